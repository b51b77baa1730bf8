"""The inputs of schedules, as arguments of the function that stands for their flow."""

from __future__ import annotations

from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.ir.schedule import Path, ScheduleSpec
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.wiring.source_map import MappedLines, Subject

_MARKED = '""'
"""What a date or time is while it is not known: text."""


def add_schedules(flow: FlowSpec, function: str, lines: MappedLines) -> None:
    """One line for each schedule: a call of the flow's function."""
    for schedule in flow.schedules:
        if "input" in schedule.unread:
            continue
        value = _literal(schedule.input, (), schedule)
        subject = Subject("schedule", flow.key, name=schedule.slug)
        lines.add(f"    {function}({value}, ctx)", subject)


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
