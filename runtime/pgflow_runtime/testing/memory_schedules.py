"""A flow's schedules in memory: a clock on the wall, the fires it brings, and the runs they start."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pgflow_runtime.dsl.schedule import Schedule
from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.engine.schedules import FireOutcome, Looked, TimedSchedule, input_at
from pgflow_runtime.testing.engine.stored import Stored
from pgflow_runtime.testing.memory_run import MemoryRun
from pgflow_shared.text import closest


@dataclass(frozen=True, slots=True)
class Fire:
    """What a schedule did once.

    ``at`` is when the fire was due, None of fires that were passed over together (``missed``); ``seen_at``
    when somebody saw to it; ``run`` what it started. One that is ``queued`` is told once, and once more when
    it starts.
    """

    schedule: str
    at: datetime | None
    seen_at: datetime
    outcome: FireOutcome
    run: MemoryRun | None = None


class MemorySchedules:
    """The schedules of a flow, and the runs they have started. Time goes on only by what is called here."""

    def __init__(
        self,
        given: Mapping[str, tuple[Mapping[str, Any], Stored]],
        at: datetime,
        start: Callable[[Stored, datetime], MemoryRun],
    ) -> None:
        """``given``: of each schedule its spec and its input; ``start``: a run begins at that time."""
        self.now = at.astimezone(UTC)
        """The time on the wall."""
        self._start = start
        self._inputs = {slug: input for slug, (_, input) in given.items()}
        self._schedules = {slug: TimedSchedule(slug, spec, self.now) for slug, (spec, _) in given.items()}
        self._started: dict[str, list[tuple[datetime, MemoryRun]]] = {slug: [] for slug in given}
        self._fires: list[Fire] = []

    # -- looking -------------------------------------------------------------------------------------------

    @property
    def fires(self) -> Sequence[Fire]:
        """What the schedules did, in its order."""
        return tuple(self._fires)

    @property
    def runs(self) -> Sequence[MemoryRun]:
        """The runs that were started, in their order."""
        return tuple(fire.run for fire in self._fires if fire.run is not None)

    def next_fire(self, schedule: Schedule | str) -> datetime | None:
        """When it fires next, in UTC; None while it is paused. Raises UsageError for an unknown one."""
        return self._schedules[self._slug(schedule)].next_fire

    # -- time ----------------------------------------------------------------------------------------------

    async def work(self, seconds: float) -> None:
        """Let so much time pass with workers there: all is done when it falls due."""
        await self._go_to(self.now + _span(seconds))

    async def until(self, moment: datetime) -> None:
        """The same up to a moment, which has a zone and has not passed."""
        if moment.tzinfo is None or moment < self.now:
            raise UsageError(f"time goes on to a moment with a zone, not before {self.now}, not to {moment}")
        await self._go_to(moment.astimezone(UTC))

    def advance(self, seconds: float) -> None:
        """Let so much time pass with nobody there: what falls due is seen to when work goes on, late."""
        self._move_to(self.now + _span(seconds))

    async def _go_to(self, end: datetime) -> None:
        await self._do()
        while (due := self._next_time()) is not None and due <= end:
            self._move_to(max(due, self.now))
            await self._do()
        self._move_to(end)

    async def _do(self) -> None:
        """What is due now, which a run that ends or a schedule that fires may change."""
        for slug, schedule in self._schedules.items():
            while schedule.look_at is not None and schedule.look_at <= self.now:
                for looked in schedule.look(self.now, _Runs(self, slug)):
                    self._note(slug, looked)
        for run in self._open_runs():
            await run.work()

    def _next_time(self) -> datetime | None:
        times = [each.look_at for each in self._schedules.values() if each.look_at is not None]
        for begun, run in self._all_started():
            due = run.next_time()
            if due is not None:
                times.append(begun + timedelta(seconds=due))
        return min(times, default=None)

    def _move_to(self, moment: datetime) -> None:
        for begun, run in self._all_started():
            left = (moment - begun).total_seconds() - run.elapsed
            if run.status == "started" and left > 0:
                run.advance(left)
        self.now = moment

    # -- what operators do ---------------------------------------------------------------------------------

    def pause(self, schedule: Schedule | str) -> bool:
        """What it misses is not caught up on. Whether that changed anything."""
        return self._schedules[self._slug(schedule)].pause()

    def resume(self, schedule: Schedule | str) -> bool:
        """Let it fire again, from now on. Whether that changed anything."""
        return self._schedules[self._slug(schedule)].resume(self.now)

    def fire(self, schedule: Schedule | str) -> MemoryRun:
        """Start a run now, whatever the schedule is at; when it fires next stays as it is."""
        slug = self._slug(schedule)
        looked = self._schedules[slug].fire(self.now, _Runs(self, slug))
        self._note(slug, looked)
        run: MemoryRun = looked.run
        return run

    # -- the runs ------------------------------------------------------------------------------------------

    def _note(self, slug: str, looked: Looked) -> None:
        fire = Fire(slug, looked.fire_at, self.now, looked.outcome, looked.run)
        before = next((told for told in reversed(self._fires) if told.schedule == slug), None)
        waits_still = before is not None and (before.at, before.outcome) == (fire.at, "queued")
        if not (waits_still and fire.outcome == "queued"):
            self._fires.append(fire)

    def _all_started(self) -> list[tuple[datetime, MemoryRun]]:
        return [pair for pairs in self._started.values() for pair in pairs]

    def _open_runs(self) -> list[MemoryRun]:
        return [run for _, run in self._all_started() if run.status == "started"]

    def _slug(self, schedule: Schedule | str) -> str:
        slug = schedule if isinstance(schedule, str) else schedule.slug
        if slug not in self._schedules:
            close = closest(slug, self._schedules)
            raise UsageError(
                f"the flow has no schedule {slug!r}",
                help=f"did you mean {close!r}?" if close else f"it has {', '.join(self._schedules)}",
            )
        return slug


class _Runs:
    """The runs of one schedule, as the engine sees them."""

    def __init__(self, all: MemorySchedules, slug: str) -> None:
        self._all, self._slug = all, slug

    def is_one_open(self) -> bool:
        return any(run.status == "started" for _, run in self._all._started[self._slug])

    def cancel_open(self, reason: str) -> None:
        for _, run in self._all._started[self._slug]:
            run.cancel(reason)

    def start(self, fire_at: datetime) -> MemoryRun:
        schedule = self._all._schedules[self._slug]
        input = input_at(schedule.spec, self._all._inputs[self._slug], fire_at)
        run = self._all._start(input, self._all.now)
        self._all._started[self._slug].append((self._all.now, run))
        return run


def _span(seconds: float) -> timedelta:
    if not math.isfinite(seconds) or seconds < 0:
        raise UsageError(f"time advances by a number of seconds, not by {seconds!r}")
    return timedelta(seconds=seconds)
