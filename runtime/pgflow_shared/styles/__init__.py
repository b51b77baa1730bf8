"""Migration styles: how a tool wants its files named, numbered, chained and wrapped. One file a style.

What the migrations do is the same in all of them. CONTRIBUTING.md tells how to add one.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgflow_shared.styles.style import Style

NAMES = ("plain", "supabase", "dbmate", "alembic", "django")
"""Each is a module here, which is loaded when its style is asked for."""


@cache
def style_of(name: str) -> Style:
    """The style of that name. Raises KeyError for one that is not in ``NAMES``."""
    if name not in NAMES:
        raise KeyError(name)
    style: Style = import_module(f"{__name__}.{name}").STYLE
    return style


def chained_styles() -> tuple[str, ...]:
    """The names of the styles whose files are programs of another tool, which alone applies them."""
    return tuple(name for name in NAMES if style_of(name).is_chained)
