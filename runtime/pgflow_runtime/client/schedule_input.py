"""What a client gives a schedule: its options, and an input in which the date or time of a fire may stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl.schedule import FIRE_DATE, FIRE_TIME
from pgflow_runtime.errors import UsageError
from pgflow_shared.cron import CronFault
from pgflow_shared.schedules import schedule_spec

_SAMPLES = {FIRE_DATE: "2000-01-01", FIRE_TIME: "2000-01-01T00:00:00Z"}
"""What the types are asked about in place of the marks."""


class ScheduleOptions(TypedDict, total=False):
    """When a schedule fires (exactly one of the first two), and what overlapping and late fires do."""

    cron: str
    every: int
    """Seconds."""
    timezone: str
    """Of the expression and of dates; UTC unless it is given."""
    overlap: Literal["allow", "skip", "queue", "cancel_other"]
    catch_up: Literal["none", "latest", "all"]


@dataclass(slots=True)
class _Marks:
    dates: list[tuple[str, ...]] = field(default_factory=list)
    times: list[tuple[str, ...]] = field(default_factory=list)

    def replaced(self, value: Any, path: tuple[str, ...] = ()) -> Any:
        """The value with samples for marks, whose places are kept."""
        if isinstance(value, dict):
            return {key: self.replaced(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replaced(item, (*path, str(index))) for index, item in enumerate(value)]
        if isinstance(value, str) and value in _SAMPLES:
            (self.dates if value == FIRE_DATE else self.times).append(path)
            return _SAMPLES[value]
        return value


def schedule_arguments(
    contract: FlowContract, input: Any, options: Mapping[str, Any]
) -> tuple[dict[str, Any], Any]:
    """Spec and input as the core takes them. Raises InvalidInput, UsageError."""
    given = [name for name in ("cron", "every") if options.get(name) is not None]
    if len(given) != 1:
        raise UsageError(
            "a schedule has either cron or every",
            help='give one of them: cron="30 2 * * mon-fri", or every=3600 (seconds)',
        )
    marks = _Marks()
    stored = json.loads(contract.encode_input(marks.replaced(input)))
    for path in (*marks.dates, *marks.times):
        stored = _without(stored, path)
    try:
        return schedule_spec(options, marks.dates, marks.times), stored
    except CronFault as fault:
        raise UsageError(fault.message, help=fault.help) from None


def _without(value: Any, path: tuple[str, ...]) -> Any:
    """The value with null at a path."""
    if not path:
        return None
    key: Any = int(path[0]) if isinstance(value, list) else path[0]
    value[key] = _without(value[key], path[1:])
    return value
