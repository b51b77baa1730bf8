"""What a schedule takes: the compiler reads it in ``flow.schedule(...)``, a client sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pgflow_shared.cron import CronFault, read_cron
from pgflow_shared.options import MAX_SECONDS, Judged, Values, Whole, Word

SCHEDULE_OPTIONS: Mapping[str, Values] = {
    "cron": Judged("a cron expression"),
    "every": Whole(1, MAX_SECONDS, " of seconds"),
    "timezone": Judged("a time zone"),
    "overlap": Word(("allow", "skip", "queue", "cancel_other")),
    "catch_up": Word(("none", "latest", "all")),
}
"""Options beside the slug and the input, and their values."""
SCHEDULE_DEFAULTS: Mapping[str, str] = {"timezone": "UTC", "overlap": "skip", "catch_up": "latest"}


def schedule_spec(
    options: Mapping[str, Any], dates: Sequence[Sequence[str]], times: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """What ``pgflow.create_schedule`` takes. Raises CronFault for an expression that is none.

    Args:
        options: those of ``SCHEDULE_OPTIONS`` that were given.
        dates, times: the paths of the input where the date or the time of the fire stands.
    """
    found: dict[str, Any] = {
        name: default if options.get(name) is None else options[name]
        for name, default in SCHEDULE_DEFAULTS.items()
    }
    every, text = options.get("every"), options.get("cron")
    if every is not None:
        found["every"] = every
    elif isinstance(text, str):
        found |= _masks(text)
    else:
        raise CronFault("the schedule does not say when it fires", "give cron or every")
    return {**found, "dates": [list(path) for path in dates], "times": [list(path) for path in times]}


def _masks(text: str) -> dict[str, Any]:
    cron = read_cron(text)
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
