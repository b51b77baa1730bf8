"""Runs claimed tasks: async handlers as asyncio tasks, sync ones in threads, others away; each with a real
timeout."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from pgflow_runtime.worker import logs
from pgflow_runtime.worker.protocol.outcome import FailedAttempt, Outcome, Refused, Unbegun, timed_out
from pgflow_runtime.worker.protocol.rows import Fence, TaskRow
from pgflow_runtime.worker.tasks.away import Away, AwayTask
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.perform_async import aperform
from pgflow_runtime.worker.tasks.perform_sync import perform
from pgflow_runtime.worker.tasks.slots import Slots
from pgflow_runtime.worker.tasks.task import Task, TaskEnvironment
from pgflow_runtime.worker.tasks.threads import Threads

CANCEL_GRACE = 2.0
"""Seconds a cancelled coroutine has to clean up before its slot counts as stuck."""
SURE = 5.0
"""Seconds after which an attempt that the core does not know any more has not just reported its own end."""
LONGEST_LOOK = 0.5
"""Seconds between two looks at the deadlines at most; no step's timeout, 3 at least, is shorter."""

_WHY = {
    "run_cancelled": "the run was cancelled",
    "run_failed": "the run has failed",
    "step_skipped": "the step was skipped",
    "step_failed": "the step has failed",
}
"""Reasons that no result of a task itself brings about while its handler runs, in words."""

TaskT = TypeVar("TaskT", bound=Task)


class Running:
    """Holds the running tasks. ``emit`` gets each outcome once; ``on_stuck`` is told when nothing moves."""

    def __init__(
        self,
        slots: Slots,
        env: TaskEnvironment,
        on_stuck: Callable[[], None],
        away: Mapping[str, Away],
        emit: Callable[[Outcome], None],
    ) -> None:
        """``away``: by the name of an executor, who has tasks done there."""
        self._slots = slots
        self._away = away
        self._env = env
        self._emit = emit
        self._on_stuck = on_stuck
        self._loop = asyncio.get_running_loop()
        self._threads = Threads(slots.total, self._loop)
        self._tasks: set[Task] = set()
        self._doubtful: dict[Fence, float] = {}
        self.empty = asyncio.Event()
        """Set while no handler runs whose outcome still counts."""
        self.empty.set()

    @property
    def fences(self) -> set[Fence]:
        """The attempts this worker is at. Any thread may ask."""
        return {task.row.fence for task in list(self._tasks)}

    @property
    def open_fences(self) -> list[Fence]:
        """The attempts whose handlers have not been told to end. Any thread may ask."""
        return [task.row.fence for task in list(self._tasks) if task.ending is None]

    @property
    def has_left_overs(self) -> bool:
        """Whether a handler still runs."""
        return bool(self._tasks)

    def start(self, row: TaskRow, step: BoundStep) -> None:
        """Begin a task; it takes one slot until its handler has ended."""
        if step.executor is not None:
            away = self._hold(AwayTask(row, step, self._env))
            away.job = self._loop.create_task(self._run(away, self._away[step.executor].perform))
            return
        task = self._hold(Task(row, step, self._env))
        if step.is_async:
            task.job = self._loop.create_task(self._run(task, aperform))
        else:
            self._threads.submit(lambda: perform(task), lambda outcome: self._ended(task, outcome))

    def _hold(self, task: TaskT) -> TaskT:
        self._slots.take()
        self._tasks.add(task)
        self.empty.clear()
        return task

    def fail(self, row: TaskRow, message: str) -> None:
        """Report a claimed task that cannot even begin."""
        self._emit(FailedAttempt(row, message, 0.0))

    async def watch(self) -> None:
        """End tasks whose time is over, until cancelled."""
        while True:
            now = time.perf_counter()
            for task in [task for task in self._tasks if task.deadline <= now and task.ending is None]:
                self._time_out(task)
            nearest = min(
                (task.deadline - now for task in self._tasks if task.ending is None), default=LONGEST_LOOK
            )
            await asyncio.sleep(min(LONGEST_LOOK, max(0.01, nearest)))

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

    def cancel(self, lost: Sequence[tuple[Fence, str]]) -> None:
        """Tell the handlers of these attempts that they count no more, for the reasons the core gives.

        Where the reason is none that a task's own result can bring about, at once; else only what is still
        running ``SURE`` seconds later: a transactional step's commit may be on its way back.
        """
        if not lost and not self._doubtful:
            return
        now, doubtful = time.perf_counter(), self._doubtful
        tasks = {task.row.fence: task for task in self._tasks if task.ending is None}
        self._doubtful = {}
        for fence, reason in lost:
            task = tasks.get(fence)
            if task is None:
                continue
            since = doubtful.get(fence, now)
            if reason in _WHY or now - since >= SURE:
                self._cancel(task, _WHY.get(reason))
            else:
                self._doubtful[fence] = since

    def close(self) -> None:
        self._threads.close()

    def _cancel(self, task: Task, why: str | None) -> None:
        """Its slot is free when its handler has ended; until its time is over a thread may take for that."""
        task.cancel(why)
        patience = CANCEL_GRACE if task.job is not None else task.milliseconds_left / 1000 + CANCEL_GRACE
        self._loop.call_later(patience, self._give_up, task)

    async def _run(self, task: TaskT, perform: Callable[[TaskT], Awaitable[Outcome]]) -> None:
        self._ended(task, await perform(task))

    def _ended(self, task: Task, outcome: Outcome) -> None:
        """The handler is over: its slot is free, and its outcome counts unless it came too late."""
        self._tasks.discard(task)
        self._slots.busy -= 1
        if task.is_stuck:
            self._slots.stuck -= 1
        if task.step.is_undoable and task.ending == "cancelled":
            self._emit(outcome)  # an undo waits to hear what was done
        elif task.is_reported or task.ending == "released":
            logs.late(task.row, task.seconds)
        else:
            self._emit(_outcome(task) or outcome)
        self._note_empty()

    def _time_out(self, task: Task) -> None:
        task.ending = task.overdue
        if task.job is None:
            self._give_up(task)
        else:
            task.job.cancel()
            self._loop.call_later(CANCEL_GRACE, self._give_up, task)

    def _give_up(self, task: Task) -> None:
        """Report the end without waiting for the handler, which keeps its slot until it ends."""
        if task not in self._tasks or task.is_reported:
            return
        task.is_reported = task.is_stuck = True
        self._slots.stuck += 1
        logs.stuck(
            task.row, task.ending == "cancelled", task.step.is_async, self._slots.stuck, self._slots.total
        )
        outcome = _outcome(task)
        if outcome is not None:
            self._emit(outcome)
        self._note_empty()
        if self._slots.all_stuck:
            self._on_stuck()

    def _note_empty(self) -> None:
        if all(task.is_reported for task in self._tasks):
            self.empty.set()


def _outcome(task: Task) -> Outcome | None:
    """What became of a task that was ended from outside; None: its handler says."""
    if task.ending == "timeout":
        return timed_out(task.row, task.seconds)
    if task.ending == "cancelled":
        return Refused(task.row, task.seconds, task.why)
    if task.ending == "unbegun":
        return Unbegun(task.row, task.seconds)
    return None
