"""Schedules as code: when runs of a flow are started, and with which input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pgflow_runtime.dsl.steps import FlowOfStep

Overlap: TypeAlias = Literal["allow", "skip", "queue", "cancel_other"]
"""What becomes of a fire while the run of an earlier one is open."""
CatchUp: TypeAlias = Literal["none", "latest", "all"]
"""Which of the fires are made up for that nobody was there for."""

FIRE_DATE: Final[str] = "$fire_date"
"""In a schedule's input: the date of the fire in the schedule's zone, ``2026-03-29``."""
FIRE_TIME: Final[str] = "$fire_time"
"""In a schedule's input: the time of the fire, RFC 3339 in UTC."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a flow: made by ``flow.schedule``, written into the database by the flow's migration."""

    flow: FlowOfStep
    slug: str
    input: Any
    cron: str | None
    every: int | None
    timezone: str
    overlap: Overlap
    catch_up: CatchUp

    def __repr__(self) -> str:
        when = self.cron if self.cron is not None else f"every {self.every} s"
        return f"<schedule {self.slug!r} of flow {self.flow.slug!r}: {when}>"
