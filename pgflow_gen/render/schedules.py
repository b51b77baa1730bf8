"""A flow's schedules as the database and the contract hold them."""

from __future__ import annotations

from pgflow_gen.ir.cron import Cron, CronFault, read_cron
from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.ir.schedule import Path, ScheduleSpec
from pgflow_shared.schedules import SCHEDULE_DEFAULTS


def schedules(flow: FlowSpec) -> dict[str, Json]:
    """``{slug: {"spec": ..., "input": ...}}``."""
    return {item.slug: {"spec": spec(item), "input": item.input} for item in flow.schedules}


def spec(schedule: ScheduleSpec) -> dict[str, Json]:
    """When and how it fires: what ``pgflow.create_schedule`` takes. Raises CronFault."""
    found: dict[str, Json] = {
        name: value if (value := schedule.option(name)) is not None else default
        for name, default in SCHEDULE_DEFAULTS.items()
    }
    every, text = schedule.option("every"), schedule.option("cron")
    if every is not None:
        found["every"] = every
    elif isinstance(text, str):
        found |= _masks(text, read_cron(text))
    else:
        raise CronFault("a schedule without a time (a finding of its own)")
    return {**found, "dates": _paths(schedule.dates), "times": _paths(schedule.times)}


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


def _masks(text: str, cron: Cron) -> dict[str, Json]:
    return {
        "cron": text,
        "minutes": _mask(cron.minutes),
        "hours": _mask(cron.hours),
        "days": _mask(cron.days),
        "months": _mask(cron.months),
        "weekdays": _mask(cron.weekdays),
        "day_or": cron.either_day,
    }


def _mask(values: frozenset[int]) -> int:
    return sum(1 << value for value in values)


def _paths(paths: tuple[Path, ...]) -> list[Json]:
    return [list[Json](path) for path in paths]
