"""The templates' environment: an undefined name is an error, and values enter through filters only."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pgflow_gen.render import literals
from pgflow_gen.render.kept_templates import kept_templates

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """Jinja is imported at the first rendering, not with the package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(  # noqa: S701 - what is rendered is Python, SQL and Markdown, never HTML
        loader=PackageLoader("pgflow_gen.render", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
        auto_reload=False,
        bytecode_cache=kept_templates(),
    )
    for name in (
        "py_literal",
        "py_docstring",
        "py_block",
        "sql_literal",
        "sql_name",
        "sql_jsonb",
        "sql_comment",
        "markdown",
        "markdown_code",
    ):
        made.filters[name] = getattr(literals, name)
    return made


def render_template(name: str, **context: object) -> str:
    """The template's text, ending in exactly one newline."""
    return environment().get_template(name).render(context).rstrip("\n") + "\n"


def load() -> None:
    """Make the templates ready that every flow needs."""
    for name in ("flow.py.jinja", "flow.md.jinja"):
        environment().get_template(name)
