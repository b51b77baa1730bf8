"""PGF232: ``if_skipped`` of a step that is never skipped while this one runs."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import StepName, StepSpec
from pgflow_gen.ir.modes import effective_modes, is_optional

RULE = Rule(
    code="PGF232",
    title="if_skipped that can never hold",
    text="""\
`if_skipped=[wrap]` runs a step only where `wrap` was skipped. That takes a step that can be skipped ("skip"
in `when_unmet` or `when_exhausted`); with "skip-cascade", all that depends on it is skipped too. And there is
no output of a skipped step to ask for, by a parameter or by `if_ran`.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True}, when_unmet="skip-cascade")
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step(if_skipped=[wrap])
def ship(flow_input: Order) -> str:
    return "plain"
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"gift": True}, when_unmet="skip")
def wrap(flow_input: Order) -> str:
    return "ribbon"


@shop.step(if_skipped=[wrap])
def ship(flow_input: Order) -> str:
    return "plain"
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        for name in step.if_skipped:
            dependency = checked.steps.get(name.slug)
            if dependency is not None and dependency is not step:
                _check(checked, step, name, dependency)


def _check(checked: CheckedFlow, step: StepSpec, name: StepName, dependency: StepSpec) -> None:
    slug = dependency.slug
    asked = [edge for edge in checked.edges(step) if edge.slug == slug and edge.param is not None]
    if any(other.slug == slug for other in step.if_ran):
        message = f"step {step.slug!r} runs if {slug!r} ran and if it was skipped: never"
        help = "leave it out of one of the two"
    elif asked:
        message = f"step {step.slug!r} asks for {slug!r}, but runs only if that was skipped"
        help = f"remove the parameter, or {slug!r} from if_skipped"
    elif step.array is not None and step.array.slug == slug:
        message = f"map {step.slug!r} goes over {slug!r}, but runs only if that was skipped"
        help = f"remove {slug!r} from if_skipped"
    elif not is_optional(dependency) and not dependency.hides(
        "if_", "if_not", "when_unmet", "when_exhausted"
    ):
        cascades = "skip-cascade" in effective_modes(dependency)
        what = f"when {slug!r} is skipped, step {step.slug!r} is skipped too" if cascades else "it never is"
        message = f"step {step.slug!r} runs only if {slug!r} was skipped, but {what}"
        help = (
            f'write "skip" in place of "skip-cascade" at {slug!r}'
            if cascades
            else f"give {slug!r} a condition, or when_exhausted='skip'"
        )
    else:
        return
    checked.findings.add("PGF232", name.span, message, notes=[checked.note(dependency)], help=help)
