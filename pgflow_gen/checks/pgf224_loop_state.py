"""PGF224: a loop's state without a parameter for it, or one of another type."""

from __future__ import annotations

from pgflow_gen.checks.assignable import NO
from pgflow_gen.checks.checked_flow import CheckedFlow, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Parameter, Receives, StepSpec
from pgflow_gen.ir.types import NONE, TypeExpr, UnknownType, union

RULE = Rule(
    code="PGF224",
    title="loop's state and its parameter disagree",
    text="""\
What a loop returns in `Again(state)`, its next round receives in the parameter `state`; the first round
receives None, the default. So a handler that returns `Again[State]` takes `state: State | None = None`, and
one that returns `Again[None]` takes no state.""",
    bad="""\
from pgflow_runtime import Again, Flow

pages = Flow[str]("pages")


@pages.loop(max_rounds=10)
def fetch(flow_input: str, state: str | None = None) -> Again[int] | list[str]:
    return []
""",
    good="""\
from pgflow_runtime import Again, Flow

pages = Flow[str]("pages")


@pages.loop(max_rounds=10)
def fetch(flow_input: str, state: int | None = None) -> Again[int] | list[str]:
    return []
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.kind == "loop" and step.state is not None:
            _check(checked, step, step.state)


def _check(checked: CheckedFlow, step: StepSpec, state: TypeExpr) -> None:
    param = next(iter(step.params_of(Receives.STATE)), None)
    wanted = f"state: {union(state, NONE)} = None"
    if isinstance(state, UnknownType):
        return
    if state == NONE:
        _refuse_state(checked, step)
    elif param is None:
        checked.findings.add(
            "PGF224",
            step.span,
            f"loop {step.slug!r} returns Again[{state}], but has no parameter for this state",
            help=f"add the parameter {wanted}, or return Again[None]",
        )
    elif not param.has_default:
        _report(checked, param, f"loop {step.slug!r} has no state in its first round", wanted)
    elif param.type is not None and checked.judge.verdict(union(state, NONE), param.type) is NO:
        kept = f"loop {step.slug!r} asks for state: {param.type}, but keeps {union(state, NONE)}"
        _report(checked, param, kept, wanted)


def _refuse_state(checked: CheckedFlow, step: StepSpec) -> None:
    """``state`` where nothing is kept; it may also be the slug of a step."""
    for param in step.params_of(Receives.DEPENDENCY):
        if param.name == "state" and "state" not in checked.steps:
            checked.findings.add(
                "PGF224",
                parameter_span(param),
                f"loop {step.slug!r} asks for its state, but returns Again[None]",
                help=f"annotate what it returns as Again[{param.type}] | ..., or remove the parameter",
                highlight=param.span,
            )


def _report(checked: CheckedFlow, param: Parameter, message: str, wanted: str) -> None:
    checked.findings.add(
        "PGF224",
        parameter_span(param),
        message,
        help=f"write the parameter as {wanted}",
        highlight=param.type_span,
    )
