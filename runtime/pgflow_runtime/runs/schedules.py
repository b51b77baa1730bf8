"""Schedules as the database has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ScheduleInfo:
    """When runs of a flow start by the clock. Times are aware datetimes."""

    flow_slug: str
    """The version that it starts."""
    schedule_slug: str
    spec: Mapping[str, Any]
    """``cron`` or ``every``, ``timezone``, ``overlap``, ``catch_up``."""
    input: Any
    """With null where the date or time of the fire comes."""
    is_paused: bool
    next_fire: datetime | None
    """None while it is paused."""
    last_fire: datetime | None
    last_run_id: UUID | None
    last_outcome: str | None
    """Of the last fire: ``started``, ``skipped``, ``missed``, ``queued`` or ``failed``."""
    error_message: str | None
    """Why the last fire failed; it is tried again."""

    @property
    def when(self) -> str:
        """``30 2 * * mon-fri (Europe/Berlin)``, ``every 90 s``."""
        return when_of(self.spec)


def when_of(spec: Mapping[str, Any]) -> str:
    """When a schedule fires, in words."""
    if "every" in spec:
        return f"every {spec['every']:,} s"
    return f"{spec.get('cron') or 'by its masks'} ({spec.get('timezone', 'UTC')})"
