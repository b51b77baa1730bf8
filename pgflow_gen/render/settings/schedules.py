"""A flow's schedules as the database and the contract hold them."""

from __future__ import annotations

from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.ir.schedule import Path, ScheduleSpec
from pgflow_shared.schedules import SCHEDULE_OPTIONS, schedule_spec


def schedules(flow: FlowSpec) -> dict[str, Json]:
    """``{slug: {"spec": ..., "input": ...}}``."""
    return {item.slug: {"spec": spec(item), "input": item.input} for item in flow.schedules}


def spec(schedule: ScheduleSpec) -> dict[str, Json]:
    """When and how it fires: what ``pgflow.create_schedule`` takes. Raises CronFault."""
    options = {name: schedule.option(name) for name in SCHEDULE_OPTIONS}
    return schedule_spec(options, schedule.dates, schedule.times)


def marked(schedule: ScheduleSpec) -> str:
    """The input as Python reads, with the names of what is put in at each fire."""
    return _marked(schedule.input, (), schedule)


def _marked(value: Json, path: Path, schedule: ScheduleSpec) -> str:
    if path in schedule.dates:
        return "FIRE_DATE"
    if path in schedule.times:
        return "FIRE_TIME"
    if isinstance(value, dict):
        items = (f"{key!r}: {_marked(item, (*path, key), schedule)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        parts = (_marked(item, (*path, str(at)), schedule) for at, item in enumerate(value))
        return f"[{', '.join(parts)}]"
    return repr(value)
