"""The options of flows and steps, as types, and the light checks made while a flow module is imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from pgflow_runtime.errors import PgflowError

if TYPE_CHECKING:
    from pgflow_runtime.dsl.steps import Step

Backoff: TypeAlias = Literal["exponential", "fixed"]
WhenUnmet: TypeAlias = Literal["fail", "skip", "skip-cascade"]

RESERVED_STEP_SLUGS = frozenset({"flow_input", "input", "run", "ctx"})
"""Names a handler's parameters use for something else (DSL.md, "What a handler asks for, it names")."""
_SLUG = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,127}")


class DefinitionError(PgflowError, ValueError):
    """A flow or step cannot be defined like this; the message says what to write instead."""


class FlowOptions(TypedDict, total=False):
    """Options of a flow: defaults for its steps. Times are whole seconds."""

    version: int
    max_attempts: int
    base_delay: int
    timeout: int
    backoff: Backoff
    max_delay: int


class MapOptions(TypedDict, total=False):
    """Options of any step. Times are whole seconds."""

    slug: str
    max_attempts: int
    base_delay: int
    timeout: int
    start_delay: int
    backoff: Backoff
    max_delay: int
    if_: Mapping[str, object]
    if_not: Mapping[str, object]
    when_unmet: WhenUnmet
    when_exhausted: WhenUnmet
    transactional: bool


class StepOptions(MapOptions, total=False):
    """Options of ``@flow.step`` and ``@flow.array``."""

    depends_on: Sequence[Step[object] | str]


FLOW_OPTIONS = frozenset({"version", "max_attempts", "base_delay", "timeout", "backoff", "max_delay"})
MAP_OPTIONS = frozenset(MapOptions.__annotations__) | {"array"}
STEP_OPTIONS = frozenset(MapOptions.__annotations__) | {"depends_on"}


def check_options(where: str, given: Iterable[str], known: frozenset[str]) -> None:
    """Refuse an option that does not exist, as Python refuses an unknown keyword argument.

    Raises:
        TypeError: naming the option and the closest one that exists.
    """
    for name in given:
        if name not in known:
            close = get_close_matches(name, sorted(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; it takes {', '.join(sorted(known))}"
            raise TypeError(f"{where} has no option {name!r}{hint}")


def check_slug(what: str, slug: object, *, reserved: frozenset[str] = frozenset()) -> str:
    """``slug`` if it can be a slug.

    Raises:
        TypeError: it is no string.
        DefinitionError: it is not 1 to 128 letters, digits and underscores, or means something else.
    """
    if not isinstance(slug, str):
        raise TypeError(f"the slug of a {what} is a string, not {type(slug).__name__}: {slug!r}")
    if _SLUG.fullmatch(slug) is None:
        raise DefinitionError(
            f"{slug!r} cannot be the slug of a {what}: "
            "1 to 128 letters, digits and underscores, no digit first"
        )
    if slug in reserved:
        raise DefinitionError(f"{slug!r} cannot be the slug of a {what}: that name means something else")
    return slug
