"""What a test is about and wants to be so, judged: flows; steps that are replaced, fail, lose workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl import Flow, Step
from pgflow_runtime.dsl.replacement import Replacement
from pgflow_runtime.dsl.waits import Sent
from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.attempt import GivenConnections
from pgflow_runtime.testing.contracts import contract_for, flow_of_slug
from pgflow_runtime.testing.engine.plan import Plan, companions_of, plan_of
from pgflow_runtime.testing.flow_under_test import Circumstances, FlowUnderTest, World

V = TypeVar("V")


@dataclass(frozen=True)
class Given:
    """The arguments of ``run_flow`` that say what is to be so; they name steps of any flow of the test."""

    replace: Sequence[Replacement[Step[Any]]] = ()
    failures: Mapping[Step[Any], Sequence[BaseException | None]] | None = None
    crash: Mapping[Step[Any], int] | None = None
    signals: Sequence[Sent[Any]] = ()
    env: Mapping[str, str] | None = None
    connections: GivenConnections = field(default_factory=lambda: GivenConnections(None, None))


def world_of(flow: Flow[Any], given: Given) -> World:
    """The flow, and those whose runs its runs start. Raises UsageError for what is of none of them."""
    flows = {each.db_slug: each for each in _reached(flow)}
    replaced = _replaced(flows, given.replace)
    failures = _of_steps(flows, "failures", given.failures, _check_errors)
    crashes = _of_steps(flows, "crash", given.crash, _check_count)
    signals = _signals(flows, given.signals)
    common = Circumstances(os.environ if given.env is None else given.env, given.connections)
    world: dict[str, FlowUnderTest] = {}
    for slug, each in flows.items():
        of_flow = replaced.get(slug, {})
        circumstances = replace(
            common,
            replaced={step: item.handler for step, item in of_flow.items()},
            outputs=frozenset(step for step, item in of_flow.items() if item.gives_output),
            failures=failures.get(slug, {}),
            crashes=crashes.get(slug, {}),
            signals=signals.get(slug, ()),
        )
        contract = contract_for(each)
        plan, companions = _plan(each, contract, circumstances), companions_of(contract.settings)
        world[slug] = FlowUnderTest(each, contract, plan, companions, circumstances)
    return world


def _reached(flow: Flow[Any]) -> Iterator[Flow[Any]]:
    """The flow itself, and each that is reached from it by subflows and companions, once."""
    known, waiting = {flow.db_slug}, [flow]
    while waiting:
        here = waiting.pop()
        yield here
        yield from here.companions.values()
        for slug, step in contract_for(here).steps.items():
            if step.subflow is not None and step.subflow not in known:
                known.add(step.subflow)
                child = here.steps[slug].options["subflow"]
                waiting.append(child if isinstance(child, Flow) else flow_of_slug(child, here))


def _plan(flow: Flow[Any], contract: FlowContract, given: Circumstances) -> Plan:
    plan = plan_of(contract.structure["steps"], contract.settings, flow.steps)
    steps = (replace(step, subflow=None) if step.slug in given.outputs else step for step in plan.steps)
    return replace(plan, steps=tuple(steps))


def _replaced(
    flows: Mapping[str, Flow[Any]], given: Sequence[Replacement[Step[Any]]]
) -> dict[str, dict[str, Replacement[Step[Any]]]]:
    found: dict[str, dict[str, Replacement[Step[Any]]]] = {}
    for item in given:
        if not isinstance(item, Replacement):
            raise UsageError(
                f"replace= lists replacements, not {item!r}",
                help="write step.returns(value) or step.replaced(f)",
            )
        if not callable(item.handler):
            raise UsageError(f"step {item.step.slug!r} is replaced by a function, not by {item.handler!r}")
        flow, slug = _place(flows, "replace", item.step)
        if slug in found.setdefault(flow, {}):
            raise UsageError(f"replace= replaces step {slug!r} twice")
        found[flow][slug] = item
    return found


def _of_steps(
    flows: Mapping[str, Flow[Any]],
    option: str,
    given: Mapping[Step[Any], V] | None,
    check: Callable[[str, V], None],
) -> dict[str, dict[str, V]]:
    found: dict[str, dict[str, V]] = {}
    for step, value in (given or {}).items():
        flow, slug = _place(flows, option, step)
        check(slug, value)
        found.setdefault(flow, {})[slug] = value
    return found


def _signals(flows: Mapping[str, Flow[Any]], given: Sequence[Sent[Any]]) -> dict[str, list[Sent[Any]]]:
    found: dict[str, list[Sent[Any]]] = {}
    for item in given:
        if not isinstance(item, Sent):
            raise UsageError(
                f"signals= lists what is sent, not {item!r}", help="write signal.sent(payload, after=10)"
            )
        flow, _ = _place(flows, "signals", item.signal)
        found.setdefault(flow, []).append(item)
    return found


def _place(flows: Mapping[str, Flow[Any]], option: str, step: object) -> tuple[str, str]:
    """The flow and the slug of a step."""
    if not isinstance(step, Step):
        raise UsageError(f"{option}= names steps themselves, not {step!r}")
    for flow_slug, flow in flows.items():
        if flow.steps.get(step.slug) is step:
            return flow_slug, step.slug
    first, *others = flows
    beside = f", nor of {', '.join(others)}" if others else ""
    raise UsageError(f"{option}= names {step!r}, which is no step of flow {first!r}{beside}")


def _check_errors(slug: str, errors: object) -> None:
    if not isinstance(errors, list | tuple):
        raise UsageError(f"failures= of step {slug!r} is a list, of one entry an attempt, not {errors!r}")
    for error in errors:
        if not (error is None or isinstance(error, BaseException)):
            raise UsageError(f"failures= of step {slug!r} lists exceptions and None, not {error!r}")


def _check_count(slug: str, count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UsageError(f"crash= of step {slug!r} is a number of attempts, not {count!r}")
