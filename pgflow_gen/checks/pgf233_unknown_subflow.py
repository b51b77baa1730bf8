"""PGF233: subflow= names no flow."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import SubflowName
from pgflow_shared.text import closest

RULE = Rule(
    code="PGF233",
    title="subflow= names no flow of the project",
    text="""\
`subflow=` takes the flow that does a step's work: the `Flow` object, or, for modules that would import each
other, its slug in the database, which is `invoice_v2` for version 2 of `invoice`. The flow has to be one of
the project, because its input and output are the step's types.""",
    bad="""\
from pgflow_runtime import Flow

invoice = Flow[int]("invoice")
order = Flow[int]("order")


@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)


@order.step(subflow="invoices")
def bill(flow_input: int) -> int:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

invoice = Flow[int]("invoice")
order = Flow[int]("order")


@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)


@order.step(subflow=invoice)
def bill(flow_input: int) -> int:
    return flow_input
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.subflow is not None and step.child is None:
            _report(checked, step.slug, step.subflow)


def _report(checked: CheckedFlow, slug: str, name: SubflowName) -> None:
    known = sorted(flow.db_slug for flow in checked.analysis.flows)
    near = closest(name.slug, known)
    others = f"its flows are {', '.join(known[:10])}{' ...' if len(known) > 10 else ''}"
    checked.findings.add(
        "PGF233",
        name.span,
        f"step {slug!r} starts flow {name.slug!r}, which the project does not have",
        help=f"did you mean {near!r}?" if near else others,
    )
