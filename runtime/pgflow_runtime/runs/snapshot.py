"""A run as one reading of the database shows it: ``pgflow.get_run_progress`` as typed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args
from uuid import UUID

from pgflow_runtime.database.moments import LATEST, read_moment
from pgflow_runtime.runs.documents import name_of, value_of
from pgflow_runtime.runs.kin import RunOrigin
from pgflow_shared.statuses import FINAL, RunStatus, StepStatus

WaitsFor: TypeAlias = Literal["signal", "sleep", "time", "round", "child", "lane", "hold", "something"]
"""``time``: for another attempt; ``round``: for a loop's next one; ``something``: of a later version."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a step that is started does nothing: what it waits for, and until when at the longest."""

    waits_for: WaitsFor
    until: datetime | None = None
    """When a sleep is over, a signal's deadline passes, or the next of the tasks is tried again."""
    key: str | None = None
    """By which a signal can be sent, where it has one."""
    count: int = 1
    """How many runs a subflow step waits for."""

    @classmethod
    def read(cls, row: Mapping[str, Any] | None) -> Wait | None:
        """From what the core says of a step; None for one that is at work."""
        if row is None:
            return None
        found = (word for word in get_args(WaitsFor) if word == row.get("waits_for"))
        return cls(next(found, "something"), _time(row.get("until")), row.get("key"), row.get("count") or 1)


@dataclass(frozen=True, slots=True)
class StepSnapshot:
    """One step's state in a run. Times are aware datetimes; ``initial_tasks`` is None while unknown."""

    step_slug: str
    status: StepStatus
    initial_tasks: int | None
    remaining_tasks: int | None
    remaining_deps: int
    output: Any
    error_message: str | None
    skip_reason: str | None
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    skipped_at: datetime | None
    cancelled_at: datetime | None = None
    reused: bool = False
    """Whether the run is a fork that took the step over from the run it was forked from."""
    wait: Wait | None = None
    """What the step waits for; None while its tasks are queued or at work, or it is not started."""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def ended_at(self) -> datetime | None:
        return self.completed_at or self.failed_at or self.skipped_at or self.cancelled_at

    @property
    def completed_tasks(self) -> int:
        """How many of the step's tasks are done."""
        if self.status == "completed":
            return self.initial_tasks or 0
        if self.initial_tasks is None or self.remaining_tasks is None:
            return 0
        return self.initial_tasks - self.remaining_tasks

    @classmethod
    def read(cls, row: Mapping[str, Any], known: StepSnapshot | None = None) -> StepSnapshot:
        """From a row of ``step_states`` as JSON; an output that is not there is taken from ``known``."""
        return cls(
            step_slug=row["step_slug"],
            status=row["status"],
            initial_tasks=row["initial_tasks"],
            remaining_tasks=row["remaining_tasks"],
            remaining_deps=row["remaining_deps"],
            output=row.get("output", known.output if known is not None else None),
            error_message=row.get("error_message"),
            skip_reason=row.get("skip_reason"),
            created_at=_time(row.get("created_at")),
            started_at=_time(row.get("started_at")),
            completed_at=_time(row.get("completed_at")),
            failed_at=_time(row.get("failed_at")),
            skipped_at=_time(row.get("skipped_at")),
            cancelled_at=_time(row.get("cancelled_at")),
            reused=row.get("reused") or False,
            wait=Wait.read(row.get("wait")),
        )


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run and its steps. ``steps`` is None where only the run's own row was read."""

    run_id: UUID
    flow_slug: str
    status: RunStatus
    input: Any
    output: Any
    """The run's output; SQL NULL, when all leaf steps were skipped, is ``{}`` once it completed."""
    error_message: str | None
    remaining_steps: int
    started_at: datetime
    completed_at: datetime | None
    failed_at: datetime | None
    steps: Mapping[str, StepSnapshot] | None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    held_at: datetime | None = None
    """Since when nothing of the run is begun, until it is released."""
    begins_at: datetime | None = None
    """When a run that was started for later is to begin; None once it has begun."""
    origin: RunOrigin | None = None
    """Where it comes from; None: somebody started it, or only its start was read."""

    @property
    def is_final(self) -> bool:
        """Whether it has ended; so has one whose status is of a later version, if it has a time of end."""
        return self.status in FINAL or (self.status != "started" and self.ended_at is not None)

    @property
    def ended_at(self) -> datetime | None:
        return self.completed_at or self.failed_at or self.cancelled_at

    @property
    def failed_step(self) -> StepSnapshot | None:
        """The step that failed the run, if one did."""
        failed = [step for step in (self.steps or {}).values() if step.status == "failed"]
        return min(failed, key=self._distance_from_end, default=None)

    def _distance_from_end(self, step: StepSnapshot) -> tuple[bool, datetime, str]:
        """A run has the message of the step that failed it; times come second (see get_run_failure)."""
        is_other = step.error_message != self.error_message
        return is_other, step.failed_at or LATEST, step.step_slug

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> RunSnapshot:
        """From what ``get_run_progress`` returns, with the input added to the run."""
        steps = {row["step_slug"]: StepSnapshot.read(row) for row in document["steps"]}
        return cls.read_row(document["run"], steps)

    @classmethod
    def started(cls, run_id: UUID, flow_slug: str, input: str, row: Sequence[Any]) -> RunSnapshot:
        """From the input's text and a row of ``queries.START_FLOWS``. The run may be an old one."""
        status, output, remaining_steps, started_at, completed_at, failed_at, error_message, *others = row
        cancelled_at, cancel_reason, begins_at = others
        return cls(
            run_id=run_id,
            flow_slug=flow_slug,
            status=status,
            input=value_of(input, f"{name_of(None, 'input')} ({run_id})"),
            output=_output(status, output and value_of(output, f"{name_of(None, 'output')} ({run_id})")),
            error_message=error_message,
            remaining_steps=remaining_steps,
            started_at=started_at,
            completed_at=completed_at,
            failed_at=failed_at,
            steps=None,
            cancelled_at=cancelled_at,
            cancel_reason=cancel_reason,
            begins_at=begins_at if status == "started" else None,
        )

    @property
    def known_outputs(self) -> list[str]:
        """The slugs of the steps whose output this reading has."""
        return [slug for slug, step in (self.steps or {}).items() if step.status == "completed"]

    def updated(self, document: Mapping[str, Any]) -> RunSnapshot:
        """The reading that ``get_run_progress`` gave to who has this one and its ``known_outputs``."""
        before = self.steps or {}
        steps = {
            row["step_slug"]: StepSnapshot.read(row, before.get(row["step_slug"]))
            for row in document["steps"]
        }
        return self.read_row({**document["run"], "input": self.input}, steps)

    @classmethod
    def read_row(cls, row: Mapping[str, Any], steps: Mapping[str, StepSnapshot] | None = None) -> RunSnapshot:
        """From a row of ``runs`` as JSON, or with its values as Python's."""
        started_at = _time(row["started_at"])
        assert started_at is not None
        return cls(
            run_id=UUID(str(row["run_id"])),
            flow_slug=row["flow_slug"],
            status=row["status"],
            input=row["input"],
            output=_output(row["status"], row["output"]),
            error_message=row.get("error_message"),
            remaining_steps=row["remaining_steps"],
            started_at=started_at,
            completed_at=_time(row["completed_at"]),
            failed_at=_time(row["failed_at"]),
            steps=steps,
            cancelled_at=_time(row.get("cancelled_at")),
            cancel_reason=row.get("cancel_reason"),
            held_at=_time(row.get("held_at")),
            begins_at=_time(row.get("begins_at")),
            origin=RunOrigin.read(row.get("origin")),
        )


def _output(status: RunStatus, output: Any) -> Any:
    """All leaf steps were skipped: SQL NULL, which a completed run shows as an empty object."""
    return {} if output is None and status == "completed" else output


def _time(value: str | datetime | None) -> datetime | None:
    return read_moment(value) if isinstance(value, str) else value
