"""PGF310: a condition whose pattern can never match."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.patterns import mismatch, object_mismatch
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Json, Option, StepSpec
from pgflow_gen.ir.paths import FLOW_INPUT
from pgflow_gen.ir.patterns import DECIDE
from pgflow_gen.ir.types import NONE, AnyType, ClassRef, DictType, JsonType, RecordRef, TypeExpr, UnknownType
from pgflow_gen.names import is_storable

RULE = Rule(
    code="PGF310",
    title="condition pattern does not fit what it is matched against",
    text="""\
`if_` and `if_not` hold a JSON object that is matched against the flow's input (for a root step) or against
an object of the dependencies' outputs, `{"fetch": ...}` (for any other), where the key `flow_input` stands
for the flow's input. A list of such objects means: any of them. Only known keys, with values of the right
type, can match; nested objects are partial, and a list in them means "contains". A pattern holds what is
on the wire, or members of enums; of a datetime or a Decimal, which has several texts, it can say nothing.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    gift: bool


shop = Flow[Order]("shop")


@shop.step(if_={"present": True})
def wrap(flow_input: Order) -> str:
    return "ribbon"
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
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        for option in step.options:
            if option.name in ("if_", "if_not"):
                _check_condition(checked, step, option)


def _check_condition(checked: CheckedFlow, step: StepSpec, option: Option) -> None:
    patterns = option.value if isinstance(option.value, list) else [option.value]
    if not patterns:
        _report(checked, step, option, "the list holds no pattern", 'write {"key": value}')
    for pattern in patterns:
        _check_pattern(checked, step, option, pattern)


def _check_pattern(checked: CheckedFlow, step: StepSpec, option: Option, pattern: Json) -> None:
    if not isinstance(pattern, dict):
        _report(
            checked,
            step,
            option,
            f"the pattern must be a JSON object, not {pattern!r}",
            'write {"key": value}',
        )
    elif not all(map(is_storable, _texts(pattern))):
        message = "the pattern holds text that PostgreSQL cannot hold"
        _report(checked, step, option, message, "leave out NUL and lone surrogates (\\x00, \\ud800)")
    elif step.hides("array", "depends_on", "if_ran", "if_skipped"):
        return
    elif step.dependencies(checked.types):
        _check_dependencies(checked, step, option, pattern)
    else:
        _check_flow_input(checked, step, option, pattern)


def _texts(pattern: Json) -> Iterator[str]:
    """Every string in a pattern, keys included."""
    waiting = [pattern]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item


def _check_dependencies(
    checked: CheckedFlow, step: StepSpec, option: Option, pattern: dict[str, Json]
) -> None:
    # A dependency that does not exist is 203's; here its output is simply unknown.
    outputs = {
        slug: checked.steps[slug].output if slug in checked.steps else None
        for slug in step.dependencies(checked.types)
    }
    outputs[FLOW_INPUT] = checked.flow.input
    note = "it is matched against the outputs of the step's dependencies, by slug, and flow_input"
    for message, help in object_mismatch(checked.judge, checked.types, pattern, outputs, ""):
        _report(checked, step, option, message, _inside(checked, pattern, outputs, message) or help, note)


def _inside(
    checked: CheckedFlow, pattern: dict[str, Json], outputs: dict[str, TypeExpr | None], message: str
) -> str | None:
    """A key of one dependency's output, or of the flow's input, that was given without saying so."""
    for key, value in pattern.items():
        if message != f"there is no key {key!r}":
            continue
        for slug, output in outputs.items():
            if slug != FLOW_INPUT and _has_key(checked, output, key):
                return f"write {{{slug!r}: {{{key!r}: {value!r}}}}}"
        if _has_key(checked, checked.flow.input, key):
            return f"write {{{FLOW_INPUT!r}: {{{key!r}: {value!r}}}}}"
    return None


def _has_key(checked: CheckedFlow, type_: TypeExpr | None, key: str) -> bool:
    if not isinstance(type_, RecordRef | ClassRef):
        return False
    record = checked.types.record(type_)
    return record.row is None and record.get(key) is not None


def _check_flow_input(checked: CheckedFlow, step: StepSpec, option: Option, pattern: dict[str, Json]) -> None:
    given = checked.flow.input
    if given is None:
        return
    objects = RecordRef | ClassRef | DictType | JsonType | AnyType | UnknownType
    if not any(isinstance(member, objects) for member in checked.judge.members(given)):
        shown = "the flow takes no input" if given == NONE else f"the flow's input is {given}, not an object"
        _report(checked, step, option, f"{shown}, so no pattern can match it", DECIDE)
        return
    note = f"it is matched against the flow's input, {given}"
    if isinstance(given, RecordRef | ClassRef) and given.key in checked.types.records:
        keys = {item.key: item.type for item in checked.types.record(given).fields}
        for message, help in object_mismatch(checked.judge, checked.types, pattern, keys, ""):
            if message == f"there is no key {FLOW_INPUT!r}":
                help = "write its keys here: a root step has nothing but the flow's input"
            _report(checked, step, option, message, help, note)
        return
    fault = mismatch(checked.judge, checked.types, pattern, given)
    if fault is not None:
        _report(checked, step, option, *fault, note)


def _report(
    checked: CheckedFlow,
    step: StepSpec,
    option: Option,
    message: str,
    help: str | None,
    note: str | None = None,
) -> None:
    checked.findings.add(
        "PGF310",
        option.span,
        f"{option.name} of step {step.slug!r}: {message}",
        notes=[note] if note is not None else (),
        help=help,
    )
