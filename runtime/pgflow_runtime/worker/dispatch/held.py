"""Outcomes that the database does not take just now: a lock, a limit, a lack of something is in their way.

None is dropped for that before its task's time is over: until then it is tried again, with growing pauses.
After that another worker may be at the task, and recovery sees to it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.worker.protocol.outcome import Outcome
from pgflow_runtime.worker.protocol.rows import Fence

LEAST = 30.0
"""Seconds for which an outcome is tried again at least: what ended as its time was over needs some, too."""


@dataclass(eq=False)
class _Trial:
    until: float
    backoff: Backoff = field(default_factory=lambda: Backoff(0.2, 5.0))


class Held:
    """Holds outcomes back, and calls ``wake`` when one is to be tried again."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._sleeping: dict[Fence, tuple[Outcome, asyncio.TimerHandle]] = {}
        self._due: deque[Outcome] = deque()
        self._trials: dict[Fence, _Trial] = {}

    def __bool__(self) -> bool:
        return bool(self._sleeping or self._due)

    def __len__(self) -> int:
        return len(self._sleeping) + len(self._due)

    @property
    def due(self) -> deque[Outcome]:
        """Those whose pause is over; to be taken out by who tries them, and ``tried`` afterwards."""
        return self._due

    @property
    def fences(self) -> set[Fence]:
        return set(self._sleeping) | {outcome.row.fence for outcome in self._due}

    @property
    def run_ids(self) -> set[str]:
        """The runs that something is in the way of."""
        return {fence.run_id for fence in self.fences}

    def hold(self, outcome: Outcome) -> bool:
        """Keep it for a while; False when its time is over."""
        fence, now = outcome.row.fence, time.monotonic()
        trial = self._trials.get(fence)
        if trial is None:
            trial = _Trial(now + max(outcome.row.timeout - outcome.seconds, LEAST))
        if now >= trial.until:
            return False
        self._trials[fence] = trial
        pause = min(trial.backoff.pause(), trial.until - now)
        timer = asyncio.get_running_loop().call_later(pause, self._release, fence)
        self._sleeping[fence] = outcome, timer
        return True

    def tried(self, outcomes: Iterable[Outcome]) -> None:
        """Forget those that were not held again."""
        for outcome in outcomes:
            if outcome.row.fence not in self._sleeping:
                self._trials.pop(outcome.row.fence, None)

    def drop_all(self) -> list[Outcome]:
        """Let go of all of them, which stay unreported."""
        left = [*self._due, *(outcome for outcome, _ in self._sleeping.values())]
        for _, timer in self._sleeping.values():
            timer.cancel()
        self._sleeping.clear()
        self._due.clear()
        self._trials.clear()
        return left

    def _release(self, fence: Fence) -> None:
        outcome, _ = self._sleeping.pop(fence)
        self._due.append(outcome)
        self._wake()
