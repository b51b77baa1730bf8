"""The options of flows and steps, as types, and the light checks made while a flow module is imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from pgflow_runtime.errors import PgflowError
from pgflow_shared.options import options_of
from pgflow_shared.slugs import is_slug
from pgflow_shared.text import closest

if TYPE_CHECKING:
    from pgflow_runtime.dsl.steps import Step

Backoff: TypeAlias = Literal["exponential", "fixed"]
WhenUnmet: TypeAlias = Literal["fail", "skip", "skip-cascade"]


class DefinitionError(PgflowError, ValueError):
    """A flow or step cannot be defined like this; the message says what to write instead."""


class FlowOptions(TypedDict, total=False):
    """Options of a flow: defaults for its steps. Times are whole seconds."""

    version: int
    max_attempts: int
    base_delay: int
    timeout: int
    run_timeout: int
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


FLOW_OPTIONS = frozenset(options_of("flow")) - {"slug"}
"""Without the slug, which is a flow's first argument."""
MAP_OPTIONS = frozenset(options_of("map"))
STEP_OPTIONS = frozenset(options_of("step"))


def check_options(where: str, given: Iterable[str], known: frozenset[str]) -> None:
    """Refuse an option that does not exist, as Python refuses an unknown keyword argument.

    Raises:
        TypeError: naming the option and the closest one that exists.
    """
    for name in given:
        if name not in known:
            close = closest(name, known)
            hint = f"; did you mean {close!r}?" if close else f"; it takes {', '.join(sorted(known))}"
            raise TypeError(f"{where} has no option {name!r}{hint}")


def check_slug(what: str, slug: object, *, reserved: frozenset[str] = frozenset()) -> str:
    """``slug`` if it can be a slug.

    Raises:
        TypeError: it is no string.
        DefinitionError: it is not 1 to 128 letters, digits and underscores, or means something else.
    """
    if not isinstance(slug, str):
        raise TypeError(f"the slug of a {what} is a string, not {type(slug).__name__}: {slug!r}")
    if not is_slug(slug):
        raise DefinitionError(
            f"{slug!r} cannot be the slug of a {what}: "
            "1 to 128 letters, digits and underscores, no digit first"
        )
    if slug in reserved:
        raise DefinitionError(f"{slug!r} cannot be the slug of a {what}: that name means something else")
    return slug
