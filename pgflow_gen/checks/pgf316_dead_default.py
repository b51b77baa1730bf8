"""PGF316: a default that never counts, because what it stands in for cascades when it is skipped."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow, Edge
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import StepSpec
from pgflow_gen.ir.modes import cascading, is_optional

RULE = Rule(
    code="PGF316",
    title="default that never counts",
    text="""\
A default says that the step can do without a dependency. When a step with "skip-cascade" is skipped, all
that depends on it is skipped too: the step with the default does not run, and the default is never used.
With "skip" in place of "skip-cascade" the step runs with its default. Nor does a default count in a step
that runs only `if_ran=[...]` the other.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True}, when_unmet="skip-cascade")
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step
def ship(flow_input: Order, wrap: str | None = None) -> str:
    return f"{flow_input['sku']}, {wrap or 'plain'}"
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True}, when_unmet="skip")
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step
def ship(flow_input: Order, wrap: str | None = None) -> str:
    return f"{flow_input['sku']}, {wrap or 'plain'}"
""",
    severity="warning",
)


def check(checked: CheckedFlow) -> None:
    skipped_below = cascading(checked.flow, checked.types)
    for step in checked.flow.steps:
        for edge in checked.edges(step):
            dependency = checked.steps.get(edge.slug)
            if dependency is None or dependency is step or edge.param is None:
                continue
            has_default = not edge.key.required if edge.key is not None else edge.param.has_default
            if not has_default:
                continue
            if any(name.slug == edge.slug for name in step.if_ran):
                _report(checked, step, edge, dependency, f"step {step.slug!r} runs only if it ran", None)
            elif edge.slug in skipped_below and not is_optional(dependency):
                why = f"when step {dependency.slug!r} is skipped, step {step.slug!r} is skipped too"
                _report(checked, step, edge, dependency, why, _mode(dependency))


def _report(
    checked: CheckedFlow, step: StepSpec, edge: Edge, dependency: StepSpec, why: str, otherwise: str | None
) -> None:
    what = (
        f"{edge.label} is never missing"
        if edge.key is not None
        else f"the default of {edge.label} never counts"
    )
    without = "make the key Required" if edge.key is not None else "remove the default"
    checked.findings.add(
        "PGF316",
        edge.span,
        f"{what}: {why}",
        notes=[checked.note(dependency)],
        help=f"{otherwise}, or {without}" if otherwise else without,
        severity="warning",
        highlight=edge.param.span if edge.param is not None and edge.key is None else None,
    )


def _mode(dependency: StepSpec) -> str | None:
    """How the default would come to count."""
    options = [name for name in ("when_unmet", "when_exhausted") if dependency.option(name) == "skip-cascade"]
    if not options:
        return None
    return f'write {" and ".join(f"{name}=" for name in options)}"skip" at {dependency.slug!r}'
