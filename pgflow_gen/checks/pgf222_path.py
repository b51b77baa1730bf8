"""PGF222: a path that leads nowhere, or to a value that is none of those asked for."""

from __future__ import annotations

from collections.abc import Callable

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.paths import PathFault, follow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Option, StepSpec
from pgflow_gen.ir.paths import FLOW_INPUT, path_keys
from pgflow_gen.ir.types import (
    ClassRef,
    DictType,
    FailedType,
    ListType,
    LiteralType,
    Primitive,
    RecordRef,
    ScalarType,
    TypeExpr,
)

RULE = Rule(
    code="PGF222",
    title="path leads nowhere, or to a value of another type",
    text="""\
A path names a value by its keys: `"flow_input.order_id"` in the run's input, `"charge.due"` in the output of
the step `charge`. Each key must exist in the type there; one that may be missing counts as none. The `key` of
a signal is a string, a whole number or a UUID in the input. `until` of a sleep is a time: a `datetime`, a
string (RFC 3339 with an offset, `2026-03-29T02:30:00+01:00`) or a number of Unix seconds.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow, Sleep


class Order(TypedDict):
    due: str


order = Flow[Order]("order")

reminder = Sleep(order, "reminder", until="flow_input.deu")
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow, Sleep


class Order(TypedDict):
    due: str


order = Flow[Order]("order")

reminder = Sleep(order, "reminder", until="flow_input.due")
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        for option in step.options:
            if option.name in ("key", "until"):
                _check(checked, step, option)


def _check(checked: CheckedFlow, step: StepSpec, option: Option) -> None:
    text = option.value
    if not isinstance(text, str) or not all(path_keys(text)):
        help = 'write names with dots between them: "flow_input.due"'
        _report(checked, step, option, f"must be a path, not {text!r}", help)
        return
    first, *keys = path_keys(text)
    if first != FLOW_INPUT and option.name == "key":
        help = f'write "{FLOW_INPUT}.{text}": a key is written down when the run starts'
        _report(checked, step, option, f"{text!r} is no path in the run's input", help)
        return
    source = checked.flow.input if first == FLOW_INPUT else None
    if first != FLOW_INPUT and first in checked.steps:
        source = checked.steps[first].output
    if source is None:  # an unknown step is 203's, a missing type 301's
        return
    found = follow(checked.judge, checked.types, source, tuple(keys))
    if isinstance(found, PathFault):
        _report(checked, step, option, f"{text!r} leads nowhere: {found.message}", found.help)
        return
    is_refused, wanted = _ASKED[option.name]
    if all(map(is_refused, checked.judge.members(found))):
        _report(checked, step, option, f"{text!r} leads to {found}, which is no {wanted}", _HELP[option.name])


def _is_no_key(type_: TypeExpr) -> bool:
    """Whether no value of the type can be a key; in doubt the value itself is looked at when a run starts."""
    match type_:
        case Primitive(name=name):
            return name in ("bool", "float", "None")
        case LiteralType(values=values):
            return all(isinstance(value, bool | None) for value in values)
        case ScalarType(name=scalar):
            return scalar != "UUID"
        case RecordRef() | ClassRef() | ListType() | DictType() | FailedType():
            return True
        case _:
            return False


def _is_no_time(type_: TypeExpr) -> bool:
    match type_:
        case Primitive(name="float"):
            return False
        case ScalarType(name=scalar):
            return scalar != "datetime"
        case _:
            return _is_no_key(type_)


_ASKED: dict[str, tuple[Callable[[TypeExpr], bool], str]] = {
    "key": (_is_no_key, "string or whole number"),
    "until": (_is_no_time, "time"),
}
_HELP = {
    "key": "choose what tells one run from another, such as an order's number",
    "until": "a time is a string, 2026-03-29T02:30:00+01:00, or a number of Unix seconds",
}


def _report(checked: CheckedFlow, step: StepSpec, option: Option, message: str, help: str | None) -> None:
    checked.findings.add(
        "PGF222", option.span, f"{option.name} of {step.kind} {step.slug!r}: {message}", help=help
    )
