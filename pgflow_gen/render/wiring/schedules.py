"""The inputs of schedules, as arguments of the function that stands for their flow.

Where the input is not as it is on the wire (classes, times, enums), the compiler's word has to do.
"""

from __future__ import annotations

from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.ir.schedule import Path, ScheduleSpec
from pgflow_gen.ir.types import (
    AliasRef,
    ClassRef,
    EnumType,
    FailedType,
    NewTypeRef,
    RecordRef,
    ScalarType,
    TypeExpr,
    TypeTable,
    children,
)
from pgflow_gen.render.edges import flow_input
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.wiring.source_map import MappedLines, Subject

_MARKED = '""'
"""What a date or time is while it is not known: text."""


def add_schedules(flow: FlowSpec, function: str, types: TypeTable, lines: MappedLines) -> None:
    """One line for each schedule: a call of the flow's function."""
    if not flow.schedules or not _is_wire(flow_input(flow), types):
        return
    for schedule in flow.schedules:
        if "input" in schedule.unread:
            continue
        value = _literal(schedule.input, (), schedule)
        subject = Subject("schedule", flow.key, name=schedule.slug)
        lines.add(f"    {function}({value}, ctx)", subject)


def _is_wire(type_: TypeExpr, types: TypeTable) -> bool:
    """Whether a value of the type is what JSON says."""
    waiting, seen = [type_], set[TypeExpr]()
    while waiting:
        item = waiting.pop()
        if isinstance(item, ClassRef | ScalarType | EnumType | NewTypeRef | FailedType):
            return False
        if item in seen:
            continue
        seen.add(item)
        waiting += children(item)
        if isinstance(item, RecordRef):
            waiting += [field.type for field in types.record(item).fields]
        elif isinstance(item, AliasRef):
            waiting.append(types.alias(item).target)
    return True


def _literal(value: Json, path: Path, schedule: ScheduleSpec) -> str:
    if path in schedule.dates or path in schedule.times:
        return _MARKED
    if isinstance(value, dict):
        items = (
            f"{py_literal(key)}: {_literal(item, (*path, key), schedule)}" for key, item in value.items()
        )
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        parts = (_literal(item, (*path, str(at)), schedule) for at, item in enumerate(value))
        return f"[{', '.join(parts)}]"
    return repr(value) if isinstance(value, float) else py_literal(value)
