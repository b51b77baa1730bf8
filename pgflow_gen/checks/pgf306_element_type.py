"""PGF306: a map handler's element and the elements of its array disagree."""

from __future__ import annotations

from pgflow_gen.checks.assignable import NO
from pgflow_gen.checks.checked_flow import CheckedFlow, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.wording import reasons, spell, way_out
from pgflow_gen.ir.flow import Parameter, StepSpec
from pgflow_gen.ir.types import ListType, TypeExpr

RULE = Rule(
    code="PGF306",
    title="map handler's element type disagrees with its array",
    text="""\
The first parameter of a map's handler receives one element: of the list that the `array=` step returns,
or of the flow's input when there is no `array=`. Its annotation has to accept those elements.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(url: int) -> int:
    return url
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(url: str) -> int:
    return len(url)
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        param = step.element
        if not step.is_map or param is None or param.type is None:
            continue
        array = _array(checked, step)
        if array is None:
            continue
        given = checked.judge.element(array)
        if given is not None and checked.judge.verdict(given, param.type) is NO:
            _report(checked, step, param, given, param.type)


def _array(checked: CheckedFlow, step: StepSpec) -> TypeExpr | None:
    """What the map runs over; None where it is not known."""
    if step.array is None:
        return None if step.hides("array") else checked.flow.input
    array = checked.steps.get(step.array.slug)
    if array is None or array is step or step.array.flow not in (None, checked.flow.key):
        return None
    return array.output


def _report(checked: CheckedFlow, step: StepSpec, param: Parameter, given: TypeExpr, asked: TypeExpr) -> None:
    shown_given, shown_asked = spell(given, asked)
    array = checked.steps.get(step.array.slug) if step.array is not None else None
    source = (
        f"the input of flow {checked.flow.slug!r}" if array is None else f"the output of step {array.slug!r}"
    )
    help = way_out(checked.judge, given, asked)
    if checked.judge.verdict(ListType(given), asked) is not NO:
        help = f"a map's handler takes one element, not the list: {help}"
    checked.findings.add(
        "PGF306",
        parameter_span(param),
        f"map {step.slug!r} asks for elements {param.name}: {shown_asked}, but the elements of {source} are"
        f" {shown_given}",
        notes=[
            checked.flow_note() if array is None else checked.note(array),
            *reasons(checked.judge, checked.types, given, asked),
        ],
        help=help,
        highlight=param.type_span,
    )
