"""PGF318: a handler returns something else than the input of the flow it starts."""

from __future__ import annotations

from pgflow_gen.checks.assignable import NO
from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.wording import reasons, spell
from pgflow_gen.ir.flow import StepSpec
from pgflow_gen.ir.types import TypeExpr

RULE = Rule(
    code="PGF318",
    title="handler's result is not the input of the flow that it starts",
    text="""\
With `subflow=` another flow does a step's work: what the handler returns is that flow's input, of a map for
each element. So its return type has to be one that the flow's input type accepts. What dependents of the step
receive is the other flow's output.""",
    bad="""\
from pgflow_runtime import Flow

invoice = Flow[int]("invoice")
order = Flow[str]("order")


@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)


@order.step(subflow=invoice)
def bill(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

invoice = Flow[int]("invoice")
order = Flow[str]("order")


@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)


@order.step(subflow=invoice)
def bill(flow_input: str) -> int:
    return len(flow_input)
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.child is None or step.child.input is None or step.returns is None:
            continue
        if checked.judge.verdict(step.returns, step.child.input) is NO:
            _report(checked, step, step.returns, step.child.input)


def _report(checked: CheckedFlow, step: StepSpec, given: TypeExpr, asked: TypeExpr) -> None:
    assert step.subflow is not None
    shown_given, shown_asked = spell(given, asked)
    checked.findings.add(
        "PGF318",
        step.returns_span or step.span,
        f"step {step.slug!r} starts flow {step.subflow.slug!r} with {shown_given}, but its input is"
        f" {shown_asked}",
        notes=[*reasons(checked.judge, checked.types, given, asked)],
        help=f"let the handler return {shown_asked}",
    )
