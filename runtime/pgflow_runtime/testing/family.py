"""Runs in memory that belong together, on one clock: a run, those it starts, those that follow its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic
from uuid import UUID

from pgflow_runtime.errors import UsageError
from pgflow_runtime.testing.engine.children import Children
from pgflow_runtime.testing.engine.clock import Clock, TaskKey, TimedRun
from pgflow_runtime.testing.engine.companions import Companions, Start
from pgflow_runtime.testing.engine.model import Run
from pgflow_runtime.testing.engine.stored import Stored, store, text_of
from pgflow_runtime.testing.flow_under_test import FlowUnderTest, World
from pgflow_runtime.testing.followed import Followed
from pgflow_runtime.testing.member import M


class RunFamily(Generic[M]):
    """They go on only while something of one of them is awaited.

    One task is worked on at a time, in the order in which they are due; when none is, time jumps.
    """

    def __init__(
        self,
        world: World,
        make: Callable[[FlowUnderTest, TimedRun, RunFamily[M]], M],
        clock: Clock | None = None,
        *,
        ends_count: bool = True,
    ) -> None:
        """``make``: a member. ``ends_count``: whether anything follows the ends of runs."""
        self.world = world
        self._make = make
        self._ends_count = ends_count
        self._followed: dict[UUID, Followed[M]] = {}
        self.clock = Clock() if clock is None else clock
        self.members: list[M] = []
        """In the order in which they were started."""
        self._is_busy = False

    def start(self, slug: str, input: Stored) -> M:
        """A run of one of the flows, with all that the test wants to be so. Raises as ``run_flow``."""
        tested = self.world[slug]
        children = Children({slug: each.plan.steps for slug, each in self.world.items()})
        run = self._member(slug, TimedRun(tested.plan, input, clock=self.clock, flow=slug, children=children))
        self.settle()
        return run

    def _member(self, slug: str, timed: TimedRun) -> M:
        run = self._make(self.world[slug], timed, self)
        run.send_given()
        return run

    def join(self, run: M, companions: Companions) -> None:
        """A new run of the family."""
        self.members.append(run)
        if self._ends_count and companions.any:
            self._followed[run.run_id] = Followed(run, companions, lambda: self._has_open_children(run))

    def _has_open_children(self, parent: M) -> bool:
        """Whether some go on, or are to be undone yet: what they did rests on what their parent did."""
        ids = {child.id for child in parent.timed.model.children.all.values()}
        return any(
            run.status == "started"
            or ((followed := self._followed.get(run.run_id)) is not None and followed.is_to_be_undone)
            for run in self.members
            if run.run_id in ids
        )

    def followed(self, run: M) -> Followed[M] | None:
        """What has followed a run's ends; None where nothing ever does."""
        return self._followed.get(run.run_id)

    def children(self, parent: M, step_slug: str) -> tuple[M, ...]:
        """The runs that a step of a run has started, by task and attempt."""
        runs = {run.run_id: run for run in self.members}
        of_step = sorted(item for item in parent.timed.model.children.all.items() if item[0][0] == step_slug)
        return tuple(runs[child.id] for _, child in of_step)

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
                    raise self._blocked().endless()
                else:
                    return
        finally:
            self._is_busy = False

    def _blocked(self) -> M:
        """The open run that waits for what only the test could send; else the first."""
        still_open = [run for run in self.members if run.status == "started"]
        return next((run for run in still_open if run.timed.model.waits("signal")), still_open[0])

    async def _did_something(self) -> bool:
        found = self.next_task()
        if found is not None:
            run, key = found
            await run.attempt(key)
        # a run that follows a recording may have ended by looking for its next task
        return self.settle() or found is not None

    def next_task(self) -> tuple[M, TaskKey] | None:
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
        has_changed, goes_on = False, True
        while goes_on:
            changes = [self._see_to_children(run) for run in list(self.members)]
            changes += [followed.go_on(self._start_companion) for followed in list(self._followed.values())]
            goes_on = any(changes)
            has_changed |= goes_on
        for run in self.members:
            run.timed.note_end()
        return has_changed

    def _start_companion(self, start: Start) -> M:
        plan, input = self.world[start.slug].plan, store(text_of(start.input))
        return self._member(start.slug, TimedRun(plan, input, clock=self.clock, flow=start.slug))

    def _see_to_children(self, parent: M) -> bool:
        """What has happened to its children, or to it, since it was looked at last."""
        timed = parent.timed
        children = timed.model.children
        known = {run.run_id for run in self.members}
        new = [child for child in children.all.values() if child.id not in known]
        for child in new:
            assert isinstance(child, Run)
            plan = self.world[child.flow].plan
            self._member(child.flow, TimedRun(plan, child.input, clock=self.clock, model=child))
        ended = list(dict.fromkeys(children.ended))
        for key in ended:
            timed.hear(key)
        is_left, is_wanted = children.are_left, children.are_wanted
        if is_left:
            timed.model.cancel_left()
        if is_wanted:
            timed.take_up([run.timed for run in self.members if run.timed.model in children.all.values()])
        return bool(new or ended or is_left or is_wanted)
