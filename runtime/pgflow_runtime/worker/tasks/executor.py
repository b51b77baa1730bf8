"""Runs claimed tasks: async handlers as asyncio tasks, sync ones in threads, each with a real timeout."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pgflow_runtime.worker import logs
from pgflow_runtime.worker.protocol.outcome import Failed, Outcome, timed_out
from pgflow_runtime.worker.protocol.rows import Fence, TaskRow
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.perform_async import aperform
from pgflow_runtime.worker.tasks.perform_sync import perform
from pgflow_runtime.worker.tasks.slots import Slots
from pgflow_runtime.worker.tasks.task import Task, TaskEnvironment
from pgflow_runtime.worker.tasks.threads import Threads

CANCEL_GRACE = 2.0
"""Seconds a cancelled coroutine has to clean up before its slot counts as stuck."""
LONGEST_LOOK = 0.5
"""Seconds between two looks at the deadlines at most; no step's timeout, 3 at least, is shorter."""


class Executor:
    """Holds the running tasks. ``emit`` gets each outcome once; ``on_stuck`` is told when nothing moves."""

    def __init__(
        self,
        slots: Slots,
        env: TaskEnvironment,
        on_stuck: Callable[[], None],
        emit: Callable[[Outcome], None],
    ) -> None:
        self._slots = slots
        self._env = env
        self._emit = emit
        self._on_stuck = on_stuck
        self._loop = asyncio.get_running_loop()
        self._threads = Threads(slots.total, self._loop)
        self._tasks: set[Task] = set()
        self.empty = asyncio.Event()
        """Set while no handler runs whose outcome still counts."""
        self.empty.set()

    @property
    def fences(self) -> set[Fence]:
        """The attempts this worker is at."""
        return {task.row.fence for task in self._tasks}

    @property
    def has_left_overs(self) -> bool:
        """Whether a handler still runs."""
        return bool(self._tasks)

    def start(self, row: TaskRow, step: BoundStep) -> None:
        """Begin a task; it takes one slot until its handler has ended."""
        task = Task(row, step, self._env)
        self._slots.busy += 1
        self._tasks.add(task)
        self.empty.clear()
        if step.is_async:
            task.job = self._loop.create_task(self._run(task))
        else:
            self._threads.submit(lambda: perform(task), lambda outcome: self._ended(task, outcome))

    def fail(self, row: TaskRow, message: str) -> None:
        """Report a claimed task that cannot even begin."""
        self._emit(Failed(row, message, 0.0))

    async def watch(self) -> None:
        """End tasks whose time is over, until cancelled."""
        while True:
            now = time.perf_counter()
            for task in [task for task in self._tasks if task.deadline <= now and task.ending is None]:
                self._time_out(task)
            deadlines = (task.deadline - now for task in self._tasks if task.ending is None)
            await asyncio.sleep(
                max(0.01, min(deadlines, default=LONGEST_LOOK) if self._tasks else LONGEST_LOOK)
            )

    async def abandon(self) -> list[Fence]:
        """Cancel what runs; the attempts to give back to the queue."""
        left = [task for task in self._tasks if not task.is_reported]
        for task in left:
            task.ending = "released"
            if task.job is not None:
                task.job.cancel()
        jobs = [task.job for task in left if task.job is not None]
        if jobs:
            await asyncio.wait(jobs, timeout=CANCEL_GRACE)
        for task in left:
            task.is_reported = True
        self._note_empty()
        return [task.row.fence for task in left]

    def close(self) -> None:
        self._threads.close()

    async def _run(self, task: Task) -> None:
        self._ended(task, await aperform(task))

    def _ended(self, task: Task, outcome: Outcome) -> None:
        """The handler is over: its slot is free, and its outcome counts unless it came too late."""
        self._tasks.discard(task)
        self._slots.busy -= 1
        if task.is_stuck:
            self._slots.stuck -= 1
        if task.is_reported or task.ending == "released":
            logs.late(task.row, task.seconds)
        elif task.ending == "timeout":
            self._emit(timed_out(task.row, task.seconds))
        else:
            self._emit(outcome)
        self._note_empty()

    def _time_out(self, task: Task) -> None:
        task.ending = "timeout"
        if task.job is None:
            self._give_up(task)
        else:
            task.job.cancel()
            self._loop.call_later(CANCEL_GRACE, self._give_up, task)

    def _give_up(self, task: Task) -> None:
        """Report a timeout without waiting for the handler, which keeps its slot until it ends."""
        if task not in self._tasks or task.is_reported:
            return
        task.is_reported = task.is_stuck = True
        self._slots.stuck += 1
        logs.stuck(task.row, task.step.is_async, self._slots.stuck, self._slots.total)
        self._emit(timed_out(task.row, task.seconds))
        self._note_empty()
        if self._slots.all_stuck:
            self._on_stuck()

    def _note_empty(self) -> None:
        if all(task.is_reported for task in self._tasks):
            self.empty.set()
