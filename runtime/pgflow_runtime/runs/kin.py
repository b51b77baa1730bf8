"""Runs that other runs brought about: children of tasks, companions of ends; and where a run comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pgflow_runtime.database.moments import read_moment
from pgflow_shared.companions import CompanionKind
from pgflow_shared.statuses import FINAL, RunStatus

OriginKind: TypeAlias = Literal["child", "fork", "schedule", "end", "undo"]


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """What started a run that nobody started by hand. What does not belong to its kind is None."""

    kind: OriginKind
    from_run_id: UUID | None = None
    """The run whose task it is a child of, that it was forked from, or whose end it belongs to.

    It may have been pruned."""
    step_slug: str | None = None
    """Of a child: which step started it."""
    task_index: int | None = None
    attempt: int | None = None
    """Of a child: of its task; of a companion: which end of the run it was, the first is 1."""
    schedule_slug: str | None = None
    fire_at: datetime | None = None
    """When the schedule was due."""
    depth: int = 0
    """How many runs stand above a child."""

    @classmethod
    def read(cls, row: Mapping[str, Any] | None) -> RunOrigin | None:
        """From what ``get_run_progress`` says; None for a run that somebody started."""
        if row is None:
            return None
        return cls(
            row["kind"],
            UUID(row["from_run_id"]) if row.get("from_run_id") else None,
            row.get("step_slug"),
            row.get("task_index"),
            row.get("attempt"),
            row.get("schedule_slug"),
            read_moment(row["fire_at"]) if row.get("fire_at") else None,
            row.get("depth") or 0,
        )

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, what belongs to its kind."""
        return {
            name: value.isoformat()
            if isinstance(value, datetime)
            else str(value)
            if isinstance(value, UUID)
            else value
            for name, value in asdict(self).items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run that a task of a subflow step started, and waited for. Times are aware datetimes."""

    step_slug: str
    task_index: int
    attempt: int
    """Of the task: an earlier one's child has failed."""
    run_id: UUID
    flow_slug: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    error_message: str | None
    """Why it failed or was cancelled; its first 300 characters."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class CompanionRun:
    """A run that the end of another one started: an undo, or what is done at ends."""

    kind: CompanionKind
    end_number: int
    """Which end of the run it was: a run that is retried ends again."""
    run_id: UUID
    flow_slug: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    error_message: str | None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL
