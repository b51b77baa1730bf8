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
