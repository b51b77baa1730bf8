"""A run with time: a number of seconds that stands still while handlers run, and jumps when none can.

What is due when is kept here; what becomes of it is the model's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import uuid4

from pgflow_runtime.testing.engine.children import ChildKey, Children
from pgflow_runtime.testing.engine.model import Run, State, Task
from pgflow_runtime.testing.engine.plan import Plan
from pgflow_runtime.testing.engine.stored import Stored

TaskKey: TypeAlias = tuple[str, int]
"""A step's slug and the index of one of its tasks."""

UNTIL_DEAD = 30
"""Seconds after a worker's last sign of life until what it was at is given to others."""
LONGEST_HIDDEN = 10
"""Seconds; a message that is to be read later than this is sent when its time has come."""


@dataclass
class Clock:
    """What runs that belong together share. Seconds since the first of them started."""

    now: float = 0.0
    epoch: float = field(default_factory=time.time)
    """That start, in seconds since 1970: times of data are compared with it."""

    def time(self) -> float:
        return self.epoch + self.now


class TimedRun:
    """A run of ``plan`` on ``input``. Times are seconds since its start."""

    def __init__(
        self,
        plan: Plan,
        input: Stored,
        reused: Mapping[str, State] | None = None,
        *,
        clock: Clock | None = None,
        model: Run | None = None,
        flow: str = "",
        children: Children | None = None,
    ) -> None:
        """``reused``: steps that are done before the run begins, as of one that was forked. ``model``: the
        run itself, where it is there already; else it is one of ``flow``, and may have ``children``."""
        self.plan = plan
        self.clock = Clock() if clock is None else clock
        self.begun = self.clock.now
        self.model = model or Run(
            plan.steps, input, reused, clock=self.clock.time, flow=flow, children=children
        )
        self._ended: float | None = None
        self._due: dict[TaskKey, float] = {}
        self._seen: dict[TaskKey, Task] = {}
        self._over_at: float | None = plan.run_timeout
        self._post: list[tuple[float, str, Stored, str | None]] = []
        self._ends: dict[str, float] = {}
        """The deadlines of loops."""
        self._schedule()

    @property
    def now(self) -> float:
        return self.clock.now - self.begun

    @now.setter
    def now(self, seconds: float) -> None:
        self.clock.now = self.begun + seconds

    @property
    def elapsed(self) -> float:
        """The time until now, or until its end."""
        return self.now if self._ended is None else self._ended

    # -- time ----------------------------------------------------------------------------------------------

    def next_task(self) -> TaskKey | None:
        """The task to begin now: what has been due longest, then what was sent first."""
        ready = [key for key in self.model.tasks("queued") if self._due[key] <= self.now]
        place = {key: number for number, key in enumerate(self.model.queue)}
        return min(ready, key=lambda key: (self._due[key], place[key]), default=None)

    def due(self, key: TaskKey) -> float:
        """When a queued task may begin."""
        return self._due[key]

    def next_alarm(self) -> float | None:
        """When time will do something next; None: never."""
        times = [due for due, *_ in self._alarms()]
        if self._over_at is not None and self.model.status == "started":
            times.append(self._over_at)
        return min(times, default=None)

    def next_time(self) -> float | None:
        """When something will happen next by itself; None: never."""
        if self.model.status != "started":
            return None
        times = [self._due[key] for key in self.model.tasks("queued")]
        times += [due for due, *_ in self._alarms()]
        return min(times if self._over_at is None else [*times, self._over_at], default=None)

    def move_to(self, time: float) -> None:
        """Let time pass; whatever falls due on the way happens in its order, but no task is begun."""
        while True:
            due = min((alarm for alarm in self._alarms() if alarm[0] <= time), default=None)
            limit = due[0] if due is not None else time
            if self._over_at is not None and self._over_at <= limit and self.model.status == "started":
                self.now = max(self.now, self._over_at)
                self.time_out()
            elif due is not None:
                self.now = max(self.now, due[0])
                self._ring(*due[1:])
            else:
                break
        self.now = max(self.now, time)

    def note_end(self) -> None:
        """Whoever changes the run says so: when it ended is kept."""
        if self.model.status == "started":
            self._ended = None
        elif self._ended is None:
            self._ended = self.now

    def _alarms(self) -> list[tuple[float, str, str, int]]:
        """What time will do: when, what, and to which task or step."""
        alarms = [(self._due[key], "wait", *key) for key in self.model.waiting("time")]
        alarms += [(due, "sent", slug, place) for place, (due, slug, *_) in enumerate(self._post)]
        alarms += [(self._due[key], "wait", *key) for key in self.model.waiting("round")]
        is_open = self.model.status == "started"
        for slug, at in self._ends.items():
            if is_open and self.model.states[slug].status == "started":
                alarms.append((at, "loop", slug, 0))
        for what in ("sleep", "signal"):
            for slug in self.model.waits(what):
                due = self.model.states[slug].due
                if due is not None:
                    alarms.append((due - self.clock.epoch - self.begun, what, slug, 0))
        return alarms

    def end_wait(self, slug: str) -> None:
        """The time of a step that waits has come, whatever the clock says."""
        (wait,) = (step.wait for step in self.plan.steps if step.slug == slug)
        assert wait is not None
        due = self.model.states[slug].due
        if due is not None:
            self.now = max(self.now, due - self.clock.epoch - self.begun)
        self._ring(wait.what, slug, 0)

    def end_loop(self, slug: str) -> None:
        """The deadline of a loop has come, whatever the clock says."""
        self._do(lambda: self.model.end_loop(slug))

    def _ring(self, what: str, slug: str, index: int) -> None:
        if what == "wait":
            self.model.wake(slug, index)
        elif what == "sent":
            self.send(*self._post.pop(index)[1:])
        elif what == "loop":
            self.end_loop(slug)
        else:
            self._do(lambda: (self.model.end_sleeps if what == "sleep" else self.model.expire)([slug]))

    # -- what workers do -----------------------------------------------------------------------------------

    def start(self, key: TaskKey) -> int:
        """Begin a task; returns which attempt it is, from 1 on."""
        self.model.start(*key)
        return self.task(key).attempts

    def resume(
        self,
        key: TaskKey,
        *,
        attempts: int,
        forgiven: int,
        requeued: int,
        round: int = 1,
        state: Stored = None,
    ) -> None:
        """Begin an attempt that others went before, once it is due."""
        self.move_to(max(self.now, self._due[key]))
        task = self.task(key)
        task.attempts, task.forgiven, task.requeued = attempts - 1, forgiven, requeued
        task.round, task.state = round, state
        self.model.start(*key)

    def complete(self, key: TaskKey, output: Stored) -> None:
        self._do(lambda: self.model.complete(*key, output))
        if self._is_left_to_try(key):  # a child could not be started
            self._due[key] = self.now + self._retry_delay(key)

    def fail(
        self, key: TaskKey, error: str, *, retryable: bool = True, retry_after: int | None = None
    ) -> None:
        """``retry_after``: seconds, instead of the step's own delay."""
        delay = self._retry_delay(key) if retry_after is None else retry_after
        self._due[key] = self.now + delay
        waits = delay > LONGEST_HIDDEN
        self._do(lambda: self.model.fail(*key, error, retryable=retryable, waits=waits))

    def again(self, key: TaskKey, state: Stored, delay_ms: int | None) -> None:
        """A round of a loop ends; ``delay_ms``: until the next, instead of what the step says."""
        delay = self.plan.times[key[0]].every if delay_ms is None else delay_ms / 1000
        self._due[key] = self.now + delay
        self._do(lambda: self.model.again(*key, state, waits=delay > LONGEST_HIDDEN))

    def complete_by_child(self, key: TaskKey, output: Stored) -> None:
        self._do(lambda: self.model.complete_by_child(*key, output))

    def lose(self, key: TaskKey) -> None:
        """Others notice that the task's worker has died."""
        self._due[key] = self.now
        attempt = *key, self.model.states[key[0]].tasks[key[1]].attempts
        self.model.reported |= {attempt} & self.model.under_way  # nobody waits for it any longer
        self._do(lambda: self.model.lose(*key, uuid4()))

    def hear(self, key: ChildKey) -> None:
        """A child has ended; one that has failed is a failed attempt."""
        slug, index, _ = key
        self._due[slug, index] = self.now + self._retry_delay((slug, index))
        while key in self.model.children.ended:
            self._do(lambda: self.model.hear(key))

    def take_up(self, children: Iterable[TimedRun]) -> None:
        """Those of its children go on that ended badly and are waited for again."""
        ended = [child for child in children if child.model.status != "started"]
        for child in ended:
            child._make_due()
        self._do(self.model.retry_wanted)
        for child in ended:
            if child.model.status == "started":
                child._begin_anew()

    def _retry_delay(self, key: TaskKey) -> int:
        task = self.task(key)
        return self.plan.times[key[0]].retry_delay(task.attempts - task.forgiven)

    def _is_left_to_try(self, key: TaskKey) -> bool:
        task = self.task(key)
        return task.status == "queued" and task.waits_for is None

    # -- what others send ----------------------------------------------------------------------------------

    def send(self, slug: str, payload: Stored, mark: str | None = None) -> str:
        """A signal to a step; ``mark``: against repetition. What becomes of it, as ``send_signals`` says."""
        outcome: str = self._do(lambda: self.model.send((slug, payload, mark)))[0]
        return outcome

    def send_later(self, seconds: float, slug: str, payload: Stored, mark: str | None = None) -> None:
        """A signal that will be sent so many seconds after the run's start."""
        self._post.append((seconds, slug, payload, mark))

    def time_out(self) -> None:
        """The run's time is over, whatever the clock says; nothing where there is no limit."""
        if self.plan.run_timeout is not None:
            self.model.time_out(self.plan.run_timeout)
            self.note_end()

    # -- what operators do ---------------------------------------------------------------------------------

    def cancel(self, reason: str | None) -> bool:
        """Whether the run was cancelled by this."""
        is_changed = self.model.cancel(reason) == "cancelled"
        self.note_end()
        return is_changed

    def retry(self) -> bool:
        """Whether the run was taken up again by this."""
        self._make_due()
        if self._do(self.model.retry) != "retried":
            return False
        self._begin_anew()
        return True

    def _make_due(self) -> None:
        """What is there already and is to be done again may begin now."""
        for key in list(self._due):
            self._due[key] = self.now

    def _begin_anew(self) -> None:
        """Limits of time count from now on."""
        if self.plan.run_timeout is not None:
            self._over_at = self.now + self.plan.run_timeout
        for slug in self._ends:
            self._limit(slug)
        self._schedule()
        self.note_end()

    # -- looking -------------------------------------------------------------------------------------------

    def task(self, key: TaskKey) -> Task:
        slug, index = key
        return self.model.states[slug].tasks[index]

    def _do(self, change: Callable[[], Any]) -> Any:
        """Change the run; what one change sends, it sends in the order of slugs."""
        before = set(self.model.queue)
        result = change()
        kept = [message for message in self.model.queue if message in before]
        self.model.queue = kept + sorted(set(self.model.queue) - before)
        self._schedule()
        self.note_end()
        return result

    def _schedule(self) -> None:
        """New tasks are due after their step's delay."""
        for slug, state in self.model.states.items():
            for index, task in enumerate(state.tasks):
                key = (slug, index)
                if self._seen.get(key) is not task:
                    self._seen[key] = task
                    self._due[key] = self.now + self.plan.times[slug].start_delay
                    self._limit(slug)

    def _limit(self, slug: str) -> None:
        deadline = self.model.steps[slug].deadline
        if deadline is not None:
            self._ends[slug] = self.now + deadline
