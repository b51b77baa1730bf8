"""The options of flows and steps, as types, and the light checks made while a flow module is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, cast

from pgflow_runtime.errors import PgflowError
from pgflow_shared.options import Owner, options_of
from pgflow_shared.slugs import is_slug
from pgflow_shared.text import closest

if TYPE_CHECKING:
    from pgflow_runtime.dsl.steps import Step

Backoff: TypeAlias = Literal["exponential", "fixed"]
Executor: TypeAlias = Literal["process", "dask", "ray"]
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
    executor: Executor | None
    resources: Mapping[str, float]


class Conditions(TypedDict, total=False):
    """On what it depends whether a step runs."""

    if_: Mapping[str, object] | Sequence[Mapping[str, object]]
    if_not: Mapping[str, object] | Sequence[Mapping[str, object]]
    if_ran: Sequence[Step[Any] | str]
    if_skipped: Sequence[Step[Any] | str]
    when_unmet: WhenUnmet


class TaskOptions(Conditions, total=False):
    """Options of any step with a handler, without ``when_exhausted``. Times are whole seconds."""

    slug: str
    max_attempts: int
    base_delay: int
    timeout: int
    start_delay: int
    backoff: Backoff
    max_delay: int
    depends_on: Sequence[Step[Any] | str]
    executor: Executor | None
    resources: Mapping[str, float]


class MapOptions(TaskOptions, total=False):
    """Options of ``@flow.map``."""

    transactional: bool


class StepOptions(MapOptions, total=False):
    """Options of ``@flow.step`` and ``@flow.array``."""


class SubflowOptions(TaskOptions, total=False):
    """Options of a step or map whose work another flow does, ``subflow=``."""

    deadline: int
    max_depth: int


class LoopOptions(TaskOptions, total=False):
    """Options of ``@flow.loop``, without ``max_rounds``, which it must have."""

    every: int
    deadline: int


class WaitOptions(Conditions, total=False):
    """Options that ``Signal`` and ``Sleep`` share."""

    depends_on: Sequence[Step[Any] | str]


def check_options(where: str, given: Iterable[str], owner: Owner) -> None:
    """Refuse an option that ``owner`` does not have, as Python refuses an unknown keyword argument.

    Raises:
        TypeError: naming the option and the closest one that exists.
    """
    known = frozenset(options_of(owner)) - ({"slug"} if owner == "flow" else set())
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


def check_step_names(where: str, option: str, value: object, is_step: Callable[[object], bool]) -> None:
    """Refuse what names no steps. Raises TypeError."""
    if value is None or (option == "array" and (isinstance(value, str) or is_step(value))):
        return
    if option == "array":
        raise TypeError(f"{where}: array= is a step or a step's slug, not {value!r}")
    if not isinstance(value, list | tuple):
        raise TypeError(f"{where}: {option}= is a list of steps or slugs, not {value!r}")
    for name in cast("Sequence[object]", value):
        if not isinstance(name, str) and not is_step(name):
            raise TypeError(f"{where}: {option}= lists steps or slugs, not {name!r}")
