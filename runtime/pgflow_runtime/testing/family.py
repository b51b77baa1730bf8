"""Runs in memory that belong together, on one clock: a run, those it starts, those that follow its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.engine.clock import Clock, TaskKey

if TYPE_CHECKING:
    from pgflow_runtime.testing.memory_run import MemoryRun


class Family:
    """They go on only while something of one of them is awaited.

    One task is worked on at a time, in the order in which they are due; when none is, time jumps.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.members: list[MemoryRun] = []
        """In the order in which they were started."""
        self._is_busy = False

    @property
    def is_open(self) -> bool:
        return any(run.status == "started" for run in self.members)

    async def go_on(self, is_enough: Callable[[], bool], *, jump: bool = True) -> None:
        """Work until that is so, or everything has ended. ``jump``: over times at which nothing is due."""
        if self._is_busy:
            raise UsageError("this run is being driven already: await one thing of it at a time")
        self._is_busy = True
        try:
            self.settle()
            while self.is_open and not is_enough():
                if await self._did_something():
                    continue
                time = self.next_time() if jump else None
                if time is not None:
                    self.move_to(time)
                elif jump and self.is_open:
                    raise next(run for run in self.members if run.status == "started").endless()
                else:
                    return
        finally:
            self._is_busy = False

    async def _did_something(self) -> bool:
        found = self.next_task()
        if found is not None:
            run, key = found
            await run.attempt(key)
        # a run that follows a recording may have ended by looking for its next task
        return self.settle() or found is not None

    def next_task(self) -> tuple[MemoryRun, TaskKey] | None:
        """What has been due longest; of several runs that which was started first."""
        ready = [
            (run.timed.begun + run.timed.due(key), number, run, key)
            for number, run in enumerate(self.members)
            if run.status == "started" and (key := run.next_task()) is not None
        ]
        first = min(ready, key=lambda each: each[:2], default=None)
        return None if first is None else (first[2], first[3])

    def next_time(self) -> float | None:
        """When something will happen next by itself, by the clock; None: never."""
        times = [run.timed.begun + due for run in self.members if (due := run.timed.next_time()) is not None]
        return min(times, default=None)

    def move_to(self, time: float) -> None:
        """Let time pass; whatever falls due on the way happens in its order, but no task is begun."""
        while True:
            alarms = [
                (run.timed.begun + due, number, due)
                for number, run in enumerate(self.members)
                if (due := run.timed.next_alarm()) is not None
            ]
            if not alarms or min(alarms)[0] > time:
                break
            _, number, due = min(alarms)
            timed = self.members[number].timed
            timed.move_to(
                max(due, timed.now)
            )  # not by the clock: what was added need not be what is taken off
            self.settle()
        self.clock.now = max(self.clock.now, time)

    def settle(self) -> bool:
        """Let the runs know of each other what they have to; whether there was anything."""
        return False
