"""PGF308: a handler's flow_input and the flow's input type disagree."""

from __future__ import annotations

from pgflow_gen.checks.assignable import NO
from pgflow_gen.checks.checked_flow import CheckedFlow, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.wording import reasons, spell, way_out
from pgflow_gen.ir.flow import Receives
from pgflow_gen.ir.types import NONE

RULE = Rule(
    code="PGF308",
    title="flow_input annotation and the flow's input type disagree",
    text="""\
`flow_input` is the run's input in any step, so its annotation has to accept the type in
`Flow[InputType](...)`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.step
def count(flow_input: str) -> int:
    return len(flow_input)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.step
def count(flow_input: list[str]) -> int:
    return len(flow_input)
""",
)


def check(checked: CheckedFlow) -> None:
    flow = checked.flow
    if flow.input is None:
        return
    handlers = [(handler.kind, handler.step) for handler in flow.companions]
    for what, step in (*(("step", step) for step in flow.steps), *handlers):
        for param in step.params_of(Receives.FLOW_INPUT):
            if param.type is None or checked.judge.verdict(flow.input, param.type) is not NO:
                continue
            given, asked = spell(flow.input, param.type)
            takes = "takes no input" if flow.input == NONE else f"takes {given}"
            checked.findings.add(
                "PGF308",
                parameter_span(param),
                f"{what} {step.slug!r} asks for flow_input: {asked}, but flow {flow.slug!r} {takes}",
                notes=[checked.flow_note(), *reasons(checked.judge, checked.types, flow.input, param.type)],
                help=way_out(checked.judge, flow.input, param.type),
                highlight=param.type_span,
            )
