"""What a key of a TypedDict stands for that is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Default:
    """``retries: NotRequired[Annotated[int, Default(3)]]``.

    ``value`` is a literal, a constant or a member of an enum. Whoever starts a run by a typed client, the
    command line or the page fills it in; a handler always sees a value.
    """

    value: Any
