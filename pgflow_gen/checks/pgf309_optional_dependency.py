"""PGF309: a dependency that may be skipped, asked for as if it were always there."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow, Edge
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import StepSpec
from pgflow_gen.ir.modes import has_condition, may_be_missing
from pgflow_gen.ir.types import NONE, union

RULE = Rule(
    code="PGF309",
    title="optional dependency not declared optional",
    text="""\
A step with a condition is skipped when the condition is not met (`when_unmet`, by default "skip"); one
with `when_exhausted="skip"` when its attempts are used up. Its dependents run all the same, without its
output: the parameter must have a default, or the key of `input` be `NotRequired`. With "skip-cascade" the
dependents are skipped too, and nothing is missing; nor is it in a step that runs only `if_ran=[...]` the
other.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True})
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step
def ship(flow_input: Order, wrap: str) -> str:
    return f"{flow_input['sku']}, {wrap}"
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True})
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step
def ship(flow_input: Order, wrap: str | None = None) -> str:
    return f"{flow_input['sku']}, {wrap or 'plain'}"
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        for edge in checked.edges(step):
            dependency = checked.steps.get(edge.slug)
            if (
                dependency is None
                or dependency is step
                or edge.param is None
                or not may_be_missing(step, dependency)
            ):
                continue
            if edge.key.required if edge.key is not None else not edge.param.has_default:
                _report(checked, step, edge, dependency)


def _report(checked: CheckedFlow, step: StepSpec, edge: Edge, dependency: StepSpec) -> None:
    asked = edge.asked
    if edge.key is not None:
        help = f"declare the key as NotRequired[{edge.key.type}]"
    elif asked is None:
        help = "give the parameter a default: = None"
    else:
        help = f"write the parameter as {edge.slug}: {union(asked, NONE)} = None"
    checked.findings.add(
        "PGF309",
        edge.span,
        f"step {step.slug!r} asks for {edge.label}, but step {dependency.slug!r} may be skipped",
        notes=[_why(dependency), checked.note(dependency)],
        help=help,
        highlight=edge.param.span if edge.param is not None and edge.key is None else None,
    )


def _why(step: StepSpec) -> str:
    if step.option("when_exhausted") == "skip":
        return f"{step.slug!r} has when_exhausted='skip'"
    default = "" if has_condition(step) and step.option("when_unmet") is not None else ", the default"
    return f"{step.slug!r} has a condition, and when_unmet='skip'{default}"
