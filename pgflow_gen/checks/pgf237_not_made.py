"""PGF237: an undo or end that asks for what may not have been made, as if it were always there."""

from __future__ import annotations

from pgflow_gen.checks.assignable import NO
from pgflow_gen.checks.checked_flow import CheckedFlow, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.companions import surely_there
from pgflow_gen.ir.flow import CompanionHandler, Parameter, Receives
from pgflow_gen.ir.types import NONE, union

RULE = Rule(
    code="PGF237",
    title="undo or end asks for what may not have been made",
    text="""\
A run may end before a step has completed, so an end that asks for the step's output needs a default for it,
except for steps that are always there with `on="completed"`. An undo is called where its step completed, and
everything which that needs is there as well; of other steps the same holds as for ends. With `when="started"`
a step is also undone where it was under way, and then None takes the place of its result: the parameter must
accept it.""",
    bad="""\
from pgflow_runtime import Flow, RunEnd

order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return f"charge {flow_input}"


@order.end(on="failed")
def tell(run_end: RunEnd, charge: str) -> None:
    print(run_end["error"], charge)
""",
    good="""\
from pgflow_runtime import Flow, RunEnd

order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return f"charge {flow_input}"


@order.end(on="failed")
def tell(run_end: RunEnd, charge: str | None = None) -> None:
    print(run_end["error"], charge or "nothing was charged")
""",
)


def check(checked: CheckedFlow) -> None:
    for handler in checked.flow.companions:
        if handler.kind == "undo" and handler.undone is None:
            continue
        there = surely_there(checked.flow, handler, checked.types)
        for param in handler.step.params_of(Receives.DEPENDENCY):
            if param.name not in checked.steps:
                continue
            if handler.undone is not None and param.name == handler.undone.slug:
                _check_undone(checked, handler, param)
            elif param.name not in there and not param.has_default:
                _report(checked, handler, param, _why(checked, handler, param.name))


def _check_undone(checked: CheckedFlow, handler: CompanionHandler, param: Parameter) -> None:
    takes_none = param.type is None or checked.judge.verdict(NONE, param.type) is not NO
    if handler.when != "started" or takes_none:
        return
    assert param.type is not None
    checked.findings.add(
        "PGF237",
        parameter_span(param),
        f"undo {handler.slug!r} asks for {param.name}: {param.type}, but there is no result of what was under"
        " way",
        notes=['with when="started" None takes its place', checked.note(checked.steps[param.name])],
        help=f"write the parameter as {param.name}: {union(param.type, NONE)}",
        highlight=param.type_span,
    )


def _report(checked: CheckedFlow, handler: CompanionHandler, param: Parameter, why: str) -> None:
    written = "a default: = None"
    if param.type is not None:
        written = f"None as its default: {param.name}: {union(param.type, NONE)} = None"
    checked.findings.add(
        "PGF237",
        parameter_span(param),
        f"{handler.kind} {handler.slug!r} asks for {param.name}, but that step may not have completed",
        notes=[why, checked.note(checked.steps[param.name])],
        help=f"give the parameter {written}",
        highlight=param.span,
    )


def _why(checked: CheckedFlow, handler: CompanionHandler, slug: str) -> str:
    step = checked.steps[slug]
    if handler.kind == "undo" and step.makes_failed and not step.is_map and checked.flow.undo_of(slug):
        return (
            f"{slug!r} may have failed, which counts as a value: that is nothing to undo, and not told here"
        )
    if handler.kind == "end" and handler.on == "completed":
        return f"{slug!r} may be skipped in a run that completes"
    if handler.kind == "end":
        return "a run may fail or be cancelled at any step"
    undone = handler.undone.slug if handler.undone is not None else "the step"
    return f"{undone!r} does not need {slug!r}: it may have completed without"
