"""Tasks whose handlers run somewhere else: what this process still does for them."""

from __future__ import annotations

import time
from typing import Protocol

from pgflow_runtime.worker.protocol.outcome import Outcome
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.task import Task, TaskEnvironment

PATIENCE = 20.0
"""Seconds that a claimed task may wait until it begins. The core gives tasks that take 30 s longer than they
may to others: until then one that has begun has all its time."""


class AwayTask(Task):
    """A task of such a handler. Its time runs from when it begins, not from when it was claimed."""

    __slots__ = ("has_begun",)

    def __init__(self, row: TaskRow, step: BoundStep, env: TaskEnvironment) -> None:
        super().__init__(row, step, env)
        self.has_begun = False
        self.deadline = self.started + PATIENCE

    @property
    def overdue(self) -> str:
        return "timeout" if self.has_begun else "unbegun"

    def begin(self) -> None:
        """Its handler is being called now."""
        if not self.has_begun:
            self.has_begun = True
            self.started = time.perf_counter()
            self.deadline = self.started + self.row.timeout


class Away(Protocol):
    """Has tasks done somewhere else, for the steps of one executor."""

    async def perform(self, task: AwayTask) -> Outcome:
        """Never raises; to end the work, cancel it."""
        ...
