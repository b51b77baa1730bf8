"""What a test wants to be so, judged: which steps are replaced, fail or lose their workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pgflow_runtime.dsl import Flow, Step
from pgflow_runtime.dsl.replacement import Replacement
from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.attempt import GivenConnections
from pgflow_runtime.testing.memory_run import Circumstances

if TYPE_CHECKING:
    pass

V = TypeVar("V")


def given(
    flow: Flow[Any],
    replace: Sequence[Replacement[Step[Any]]],
    failures: Mapping[Step[Any], Sequence[BaseException | None]] | None,
    crash: Mapping[Step[Any], int] | None,
    env: Mapping[str, str] | None,
    connections: GivenConnections,
) -> Circumstances:
    """The arguments of ``run_flow`` by slugs of steps. Raises UsageError for what is not of the flow."""
    return Circumstances(
        replaced=_replaced(flow, replace),
        failures=_of_steps(flow, "failures", failures, _check_errors),
        crashes=_of_steps(flow, "crash", crash, _check_count),
        variables=os.environ if env is None else env,
        connections=connections,
    )


def _replaced(flow: Flow[Any], replace: Sequence[Replacement[Step[Any]]]) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for item in replace:
        if not isinstance(item, Replacement):
            raise UsageError(
                f"replace= lists replacements, not {item!r}",
                help="write step.returns(value) or step.replaced(f)",
            )
        if not callable(item.handler):
            raise UsageError(f"step {item.step.slug!r} is replaced by a function, not by {item.handler!r}")
        slug = _slug(flow, "replace", item.step)
        if slug in found:
            raise UsageError(f"replace= replaces step {slug!r} twice")
        found[slug] = item.handler
    return found


def _of_steps(
    flow: Flow[Any], option: str, given: Mapping[Step[Any], V] | None, check: Callable[[str, V], None]
) -> dict[str, V]:
    found: dict[str, V] = {}
    for step, value in (given or {}).items():
        slug = _slug(flow, option, step)
        check(slug, value)
        found[slug] = value
    return found


def _slug(flow: Flow[Any], option: str, step: object) -> str:
    if not isinstance(step, Step):
        raise UsageError(f"{option}= names steps themselves, not {step!r}")
    if flow.steps.get(step.slug) is not step:
        raise UsageError(f"{option}= names {step!r}, which is no step of flow {flow.db_slug!r}")
    return step.slug


def _check_errors(slug: str, errors: object) -> None:
    if not isinstance(errors, list | tuple):
        raise UsageError(f"failures= of step {slug!r} is a list, of one entry an attempt, not {errors!r}")
    for error in errors:
        if not (error is None or isinstance(error, BaseException)):
            raise UsageError(f"failures= of step {slug!r} lists exceptions and None, not {error!r}")


def _check_count(slug: str, count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UsageError(f"crash= of step {slug!r} is a number of attempts, not {count!r}")
