"""What a family asks of its runs."""

from __future__ import annotations

from typing import Protocol, TypeVar
from uuid import UUID

from pgflow_runtime.testing.engine.clock import TaskKey, TimedRun


class Member(Protocol):
    """One run of several that belong together."""

    run_id: UUID
    timed: TimedRun

    @property
    def status(self) -> str: ...

    def send_given(self) -> None:
        """What the test has listed is sent to the run, each at its time."""

    def next_task(self) -> TaskKey | None:
        """The task to begin now."""

    async def attempt(self, key: TaskKey) -> None:
        """Work on a task."""

    def endless(self) -> Exception:
        """Nothing will happen any more by itself."""
        ...


M = TypeVar("M", bound=Member)
