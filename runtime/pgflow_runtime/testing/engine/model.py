"""The state machine of runs in plain dictionaries: what the SQL core is compared with.

Written from the contract (sections 8 to 15), one task at a time, with no regard to speed. A *flow* is a list
of steps; a *run* holds the state of each step and task, the messages in the queue and the events sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from pgflow_runtime.testing.engine.children import (
    ChildKey,
    Children,
    Subflow,
    may_go_better,
    why_failed,
    why_left,
)
from pgflow_runtime.testing.engine.waits import Inbox, WaitRule, at_path

Json: TypeAlias = Any
Attempt: TypeAlias = tuple[str, int, int]
"""A step's slug, the index of one of its tasks, and the number of the attempt."""


@dataclass(frozen=True)
class Step:
    slug: str
    kind: str = "single"
    deps: tuple[str, ...] = ()
    required: tuple[Json, ...] | None = None  # one of these patterns must match
    forbidden: tuple[Json, ...] = ()  # none of these may
    if_ran: tuple[str, ...] = ()
    if_skipped: tuple[str, ...] = ()
    when_unmet: str = "skip"
    when_exhausted: str = "fail"
    max_attempts: int = 1
    wait: WaitRule | None = None  # it has no handler
    max_rounds: int | None = None  # of a loop
    deadline: int | None = None  # of a loop or a subflow, in seconds
    subflow: Subflow | None = None  # whose runs do its work
    array: str | None = None  # of a map with other inputs: what it goes over; "": the run's input

    @property
    def array_slug(self) -> str | None:
        """The dependency that a map goes over; "": the run's input; None: it is no map."""
        if self.kind != "map":
            return None
        if self.array is not None:
            return self.array
        return self.deps[0] if self.deps else ""

    def goes_over(self, slug: str) -> bool:
        return self.array_slug == slug


@dataclass
class Task:
    status: str = "queued"
    attempts: int = 0
    forgiven: int = 0  # attempts before the run was retried
    requeued: int = 0
    killed: list[object] = field(default_factory=list)  # the workers that died with it
    output: Json = None
    error: str | None = None
    waits_for: str | None = None  # queued, without a message
    round: int = 1  # of a loop
    state: Json = None  # what this round got of the one before
    is_tolerated: bool = False  # completed, and its output says that it failed


@dataclass
class State:
    status: str = "created"
    remaining_deps: int = 0
    initial: int | None = None
    remaining: int | None = None
    output: Json = None
    error: str | None = None
    reason: str | None = None
    tasks: list[Task] = field(default_factory=list)
    since: float | None = None  # when it began to wait, if it has no handler
    due: float | None = None  # when that is over by itself
    reused: bool = False  # taken over from another run: it has no tasks here


class Cascade(Exception):
    """Taskless completion went on for too long."""


def contains(value: Json, pattern: Json) -> bool:
    """PostgreSQL's `value @> pattern` , without its exception for a bare scalar in an array."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and contains(value[key], part) for key, part in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(contains(item, part) for item in value) for part in pattern
        )
    if isinstance(value, dict | list):
        return False
    if isinstance(value, bool) or isinstance(pattern, bool):
        return value is pattern
    return bool(value == pattern)


def type_of(value: Json) -> str:
    """PostgreSQL's name for a JSON value's type."""
    if value is None:
        return "null"
    names = {bool: "boolean", str: "string", dict: "object", list: "array"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "number")


class Run:
    """One run of a flow, from its start to its end."""

    def __init__(
        self,
        steps: Iterable[Step],
        input: Json,
        reused: Mapping[str, State] | None = None,
        *,
        has_begun: bool = True,
        clock: Callable[[], float] = time.time,
        flow: str = "",
        children: Children | None = None,
        parent: tuple[Run, ChildKey] | None = None,
    ) -> None:
        """``clock``: seconds since 1970, for steps that wait. ``has_begun``: or ``begin`` is called later.

        ``flow``: its slug; ``children``: of which flows it may start some; ``parent``: whose child it is.
        """
        self.id: UUID = uuid4()
        self.flow = flow
        self.children = Children() if children is None else children
        self.parent = parent
        self.clock = clock
        self.has_begun = has_begun
        self.inboxes: dict[str, Inbox] = {}
        self.steps = {step.slug: step for step in steps}
        self.input = input
        self.status = "started"
        self.output: Json = None
        self.error: str | None = None
        self.reason: str | None = None  # why it was cancelled
        self.is_held = False
        self.failure: tuple[str | None, int | None] = (None, None)  # the step, and its task, that failed it
        self.end_count = 0
        self.under_way: set[Attempt] = set()  # when it, or the step, ended: what may still report
        self.reported: set[Attempt] = set()  # those of them that did
        self.late: dict[Attempt, Json] = {}  # with a result
        self.given_up: set[Attempt] = set()  # for these nobody waits any longer
        taken = reused or {}
        self.states = {slug: taken.get(slug) or self._first_state(step) for slug, step in self.steps.items()}
        for slug in taken:
            self._pass_over(slug)
        self.queue: list[tuple[str, int]] = []
        self.events: list[str] = ["run:started"] if has_begun else []
        # conditions and empty maps alternated and then failed the run: how far the rest came is left open
        self.open_ended = False
        self._advance()

    # -- looking -------------------------------------------------------------------------------------------

    @property
    def remaining_steps(self) -> int:
        return sum(state.status not in ("completed", "skipped") for state in self.states.values())

    def dependents(self, slug: str) -> list[Step]:
        return [step for step in self.steps.values() if slug in step.deps]

    def outputs_for(self, step: Step) -> dict[str, Json]:
        """Outputs of the step's completed dependencies."""
        return {dep: self.states[dep].output for dep in step.deps if self.states[dep].status == "completed"}

    def task_input(self, slug: str, index: int) -> tuple[Json, Json]:
        """What a worker receives: input and flow_input (None for SQL NULL)."""
        step = self.steps[slug]
        if step.array_slug is not None:
            source = self.states[step.array_slug].output if step.array_slug else self.input
            return source[index], None
        return (self.outputs_for(step), None) if step.deps else ({}, self.input)

    def step_input(self, slug: str) -> dict[str, Json]:
        """What a map's worker gets beside the element: the outputs of other steps that it depends on."""
        step = self.steps[slug]
        outputs = self.outputs_for(step)
        outputs.pop(step.array_slug or "", None)
        return outputs

    def tasks(self, status: str) -> list[tuple[str, int]]:
        """Tasks of that status that may still be worked on."""
        return [
            (slug, index)
            for slug, state in self.states.items()
            if self.status == "started" and state.status == "started"
            for index, task in enumerate(state.tasks)
            if task.status == status and task.waits_for is None
        ]

    def waiting(self, what: str) -> list[tuple[str, int]]:
        """Queued tasks that wait for that."""
        return [
            (slug, index)
            for slug, state in self.states.items()
            if self.status == "started" and state.status == "started"
            for index, task in enumerate(state.tasks)
            if task.status == "queued" and task.waits_for == what
        ]

    def waits(self, what: str) -> list[str]:
        """Started steps without a handler that wait for that."""
        return [
            slug
            for slug, state in self.states.items()
            if self.status == "started" and state.status == "started"
            if (wait := self.steps[slug].wait) is not None and wait.what == what
        ]

    # -- what workers do -----------------------------------------------------------------------------------

    def start(self, slug: str, index: int) -> None:
        task = self.states[slug].tasks[index]
        if self.status == "started" and self.states[slug].status == "started" and task.status == "queued":
            task.status = "started"
            task.attempts += 1

    def release(self, slug: str, index: int) -> None:
        task = self.states[slug].tasks[index]
        if self.status == "started" and self.states[slug].status == "started" and task.status == "started":
            task.status = "queued"
            task.attempts -= 1
            self._keep_held()

    def complete(self, slug: str, index: int, output: Json) -> None:
        state, task = self.states[slug], self.states[slug].tasks[index]
        self.report(self._attempt(slug, index), output)
        if self.status in ("failed", "cancelled"):
            return
        if state.status != "started":
            self._archive([(slug, index)])
            return
        if task.status != "started":
            return
        if self.steps[slug].subflow is not None:
            self._begin_child(slug, index, output)
        else:
            self._complete_task(slug, index, output)

    def report(self, attempt: Attempt, output: Json) -> None:
        """An attempt that was under way when its run, its step or its deadline ended has succeeded late."""
        if attempt in self.under_way - self.reported:
            self.late[attempt] = output
            self.reported.add(attempt)

    def _attempt(self, slug: str, index: int) -> Attempt:
        return slug, index, self.states[slug].tasks[index].attempts

    def _complete_task(self, slug: str, index: int, output: Json) -> None:
        state, task = self.states[slug], self.states[slug].tasks[index]
        if self._violates(slug, output):
            self._fail_by_type(slug, index, output)
            return
        task.status, task.output, task.waits_for = "completed", output, None
        self._archive([(slug, index)])
        assert state.remaining is not None
        state.remaining -= 1
        if state.remaining == 0:
            outputs = [each.output for each in state.tasks]
            self._complete_step(slug, outputs if self.steps[slug].kind == "map" else outputs[0])
            self._advance()

    def again(self, slug: str, index: int, state: Json, *, waits: bool = False) -> None:
        """A round has ended (waits: the next is so far away that it has no message until then)."""
        step, task = self.steps[slug], self.states[slug].tasks[index]
        self.reported |= {self._attempt(slug, index)} & self.under_way
        if self.status != "started" or self.states[slug].status != "started" or task.status != "started":
            return
        if task.round >= (step.max_rounds or 1):
            message = f"LoopExhausted: the loop has not ended within its {step.max_rounds or 1} rounds"
            self.fail(slug, index, message, retryable=False)
            return
        task.status, task.round, task.state, task.error = "queued", task.round + 1, state, None
        task.forgiven, task.requeued, task.killed = task.attempts, 0, []
        if waits:
            task.waits_for = "round"
            self._archive([(slug, index)])
        self._keep_held()

    def lose(self, slug: str, index: int, worker: object) -> None:
        """The task's worker has died, and others noticed."""
        task = self.states[slug].tasks[index]
        if self.status != "started" or self.states[slug].status != "started" or task.status != "started":
            return
        if worker not in task.killed:
            task.killed.append(worker)
            if len(task.killed) == 3:
                self.fail(slug, index, "stalled", retryable=False)
                return
        task.status = "queued"
        task.requeued += 1
        self._keep_held()

    def fail(self, slug: str, index: int, error: str, *, retryable: bool = True, waits: bool = False) -> None:
        """waits: a retry is so far away that it has no message until then."""
        step, state, task = self.steps[slug], self.states[slug], self.states[slug].tasks[index]
        self.reported |= {self._attempt(slug, index)} & self.under_way
        if self.status == "cancelled":
            return
        if self.status == "failed":
            if task.status == "started":
                task.status, task.error = "failed", error
            return
        if state.status != "started":
            self._archive([(slug, index)])
            return
        if task.status != "started":
            return
        task.error = error
        if retryable and task.attempts - task.forgiven - task.requeued < step.max_attempts:
            task.status = "queued"
            if waits:
                task.waits_for = "time"
                self._archive([(slug, index)])
            self._keep_held()
            return
        if step.when_exhausted == "value":
            self._tolerate(slug, index, error)
            return
        task.status = "failed"
        if step.when_exhausted == "fail":
            self._fail_step(slug, error, index)
            return
        self._archive([(slug, number) for number in range(len(state.tasks))])
        self._skip(slug, "handler_failed", error)
        if step.when_exhausted == "skip":
            self._release_dependents(slug)
        else:
            for dependent in self.dependents(slug):
                self._skip_with_dependents(dependent.slug, "dependency_skipped")
        self._advance()

    def _tolerate(self, slug: str, index: int, error: str) -> None:
        """The failure takes the place of the task's output."""
        task = self.states[slug].tasks[index]
        failure = {
            "error": error.split("\n", 1)[0][:500],
            "step": slug,
            "index": index,
            "attempts": task.attempts - task.forgiven,
        }
        task.is_tolerated = True
        self._complete_task(slug, index, {"$failed": failure})

    def complete_by_child(self, slug: str, index: int, output: Json) -> None:
        """A task of a subflow step ends with what its child gave, wherever that ran: none is started here."""
        task = self.states[slug].tasks[index]
        if self.status == "started" and self.states[slug].status == "started" and task.status == "started":
            self._complete_task(slug, index, output)

    # -- children ------------------------------------------------------------------------------------------

    def _begin_child(self, slug: str, index: int, input: Json) -> None:
        subflow, task = self.steps[slug].subflow, self.states[slug].tasks[index]
        assert subflow is not None
        refusal = self.children.refusal(subflow, input)
        if refusal is not None:
            words, may_pass = refusal
            self.fail(slug, index, words, retryable=may_pass)
            return
        task.status, task.waits_for = "queued", "child"
        self._archive([(slug, index)])
        key = slug, index, task.attempts
        self.children.all[key] = Run(
            self.children.flows[subflow.slug],
            input,
            clock=self.clock,
            flow=subflow.slug,
            children=Children(self.children.flows, self.children.depth + 1),
            parent=(self, key),
        )

    def awaits(self, key: ChildKey) -> bool:
        """Whether a task waits for that child."""
        slug, index, attempt = key
        return (slug, index) in self.waiting("child") and self.states[slug].tasks[index].attempts == attempt

    def hear(self, key: ChildKey) -> None:
        """The run learns that a child of it has ended."""
        self.children.ended.remove(key)
        child, (slug, index, _) = self.children.all[key], key
        if not self.awaits(key) or child.status == "started":
            return
        if child.status == "completed":
            self._complete_task(slug, index, {} if child.output is None else child.output)
            return
        task = self.states[slug].tasks[index]
        task.status, task.waits_for = "started", None
        self.queue.append((slug, index))
        self.fail(slug, index, why_failed(child), retryable=may_go_better(child))

    def cancel_left(self) -> None:
        """Children that nobody waits for are cancelled."""
        self.children.are_left = False
        for key, child in sorted(self.children.all.items()):
            if child.status == "started" and not self.awaits(key):
                child.cancel(why_left(self.id, self.status))

    def retry_wanted(self) -> None:
        """Children that ended badly, and are waited for again, go on."""
        self.children.are_wanted = False
        for key, child in sorted(self.children.all.items()):
            if child.status in ("failed", "cancelled") and self.awaits(key):
                child.retry()

    def settle(self) -> bool:
        """The run hears of its children, and they of it, down to the last; whether there was anything."""
        was_anything = False
        while self._settle_once():
            was_anything = True
        return was_anything

    def _settle_once(self) -> bool:
        was_open = self.children.is_open
        if self.children.are_left:
            self.cancel_left()
        if self.children.are_wanted:
            self.retry_wanted()
        while self.children.ended:
            self.hear(self.children.ended[0])
        inner = [child.settle() for child in list(self.children.all.values())]
        return was_open or any(inner)

    def _leave_children(self, slugs: Iterable[str]) -> None:
        """Steps are over: nobody waits for the children of their tasks."""
        tasks = [task for slug in slugs for task in self.states[slug].tasks]
        self.children.are_left |= any(task.status == "queued" and task.waits_for == "child" for task in tasks)

    def _tell_parent(self) -> None:
        """The run has ended."""
        self.children.are_wanted = False
        if self.parent is not None:
            parent, key = self.parent
            parent.children.ended.append(key)

    # -- what others send ----------------------------------------------------------------------------------

    def send(self, *sent: tuple[str, Json, str | None]) -> list[str]:
        """Signals (step, payload, mark against repetition) in one call; returns what becomes of each."""
        outcomes = [self._receive(*one) for one in sent]
        self._advance()
        return outcomes

    def _receive(self, slug: str, payload: Json, mark: str | None) -> str:
        wait = self.steps[slug].wait if slug in self.steps else None
        if wait is None or wait.what != "signal":
            return "no such signal"
        inbox = self.inboxes.setdefault(slug, Inbox())
        outcome = inbox.judge(self.states[slug].status if self.status == "started" else "", mark)
        if outcome in ("taken", "kept") and mark is not None:
            inbox.marks.add(mark)
        if outcome == "kept":
            inbox.kept.append(payload)
        if outcome == "taken":
            self._complete_step(slug, payload)
        return outcome

    # -- what time does ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The time has come at which the run was to begin."""
        if self.status == "started" and not self.has_begun:
            self.has_begun = True
            self.events.append("run:started")
            self._advance()

    def end_sleeps(self, slugs: Iterable[str]) -> None:
        """These sleeps are over."""
        for slug in sorted(set(self.waits("sleep")) & set(slugs)):
            self._complete_step(slug, None)
        self._advance()

    def expire(self, slugs: Iterable[str]) -> None:
        """The deadlines of these signals are over."""
        late = set(self.waits("signal")) & set(slugs)
        self._exhaust([slug for slug in self.states if slug in late], "timed_out", self._timed_out)
        self._advance()

    def _timed_out(self, slug: str) -> str:
        wait = self.steps[slug].wait
        return f"timed out after {wait.deadline if wait else None} s"

    def wake(self, slug: str, index: int) -> None:
        """The time that a task waits for has come."""
        if (slug, index) in self.waiting("time") + self.waiting("round"):
            self.states[slug].tasks[index].waits_for = None
            self.queue.append((slug, index))
            self._keep_held()

    def end_loop(self, slug: str) -> None:
        """A loop, or the children of a step, have taken too long, wherever they are."""
        state, step = self.states[slug], self.steps[slug]
        if self.status != "started" or state.status != "started":
            return
        late = [number for number, task in enumerate(state.tasks) if task.status in ("queued", "started")]
        self._leave_children([slug])
        at_work = self._at_work([slug])
        for index in late if step.when_exhausted == "value" else late[:1]:
            state.tasks[index].status, state.tasks[index].waits_for = "started", None
            self.fail(slug, index, f"timed out after {step.deadline} s", retryable=False)
        self.under_way |= at_work  # who is at it has not said anything

    def time_out(self, seconds: int) -> None:
        """The run has taken too long."""
        if self.status == "started":
            self._leave_children(self._open_steps())
            self.failure = (None, None)
            self.status, self.error = "failed", f"timed out after {seconds} s"
            self._end()
            self.queue.clear()
            self.events.append("run:failed")
            self._tell_parent()

    def _open_steps(self) -> list[str]:
        return [slug for slug, state in self.states.items() if state.status == "started"]

    # -- what operators do ---------------------------------------------------------------------------------

    def hold(self) -> str:
        """Let nothing of the run be begun; returns what became of the wish."""
        if self.status != "started":
            return f"already_{self.status}"
        outcome = "already_held" if self.is_held else "held"
        self.is_held = True
        self._keep_held()
        return outcome

    def let_go(self) -> str:
        """Let it go on; returns what became of the wish."""
        if self.status != "started" or not self.is_held:
            return "not_held"
        self.is_held = False
        for slug, index in sorted(self.waiting("hold")):
            self.states[slug].tasks[index].waits_for = None
            self.queue.append((slug, index))
        return "released"

    def cancel(self, reason: str | None) -> str:
        """End the run here; returns what became of the wish."""
        if self.status != "started":
            return f"already_{self.status}"
        self._leave_children(self._open_steps())
        self._end()
        for state in self.states.values():
            if state.status == "started":
                for task in state.tasks:
                    task.status = "cancelled" if task.status in ("queued", "started") else task.status
            if state.status in ("created", "started"):
                state.status = "cancelled"
        self.status, self.reason = "cancelled", reason
        self.queue.clear()
        self.events.append("run:cancelled")
        self._tell_parent()
        return "cancelled"

    def _keep_held(self) -> None:
        """Tasks of a held run that have a message wait for its release instead."""
        if self.is_held:
            for slug, index in self.tasks("queued"):
                self.states[slug].tasks[index].waits_for = "hold"
                self._archive([(slug, index)])

    def retry(self, *, waits: bool = False) -> str:
        """Go on where the run ended badly (waits: after a while); returns what became of the wish."""
        if self.status not in ("failed", "cancelled"):
            return "still_started" if self.status == "started" else f"already_{self.status}"
        if self.parent is not None and not self.parent[0].awaits(self.parent[1]):
            return "not_awaited"
        self.children.ended.clear()
        self.status, self.error, self.reason, self.is_held = "started", None, None, False
        for slug, state in self.states.items():
            if state.status in ("failed", "cancelled"):
                had_started = bool(state.tasks) or state.since is not None
                state.status, state.error = ("started" if had_started else "created"), None
            if state.status == "started" and state.since is None:
                self._forgive(slug, state, "time" if waits else None)
        for slug in [*self.waits("sleep"), *self.waits("signal")]:
            self._wait(slug)
        self.events.append("run:retried")
        self.queue = [
            (slug, index)
            for slug, state in sorted(self.states.items())
            if state.status == "started"
            for index, task in enumerate(state.tasks)
            if task.status == "queued" and task.waits_for is None
        ]
        self._advance()
        return "retried"

    def reusable(self, from_steps: Iterable[str]) -> list[str]:
        """What a fork takes over: steps that have ended well and do not depend on these."""
        again = set(from_steps)
        for step in self.steps.values():  # in order of definition, so parents come first
            if again & set(step.deps):
                again.add(step.slug)
        return [
            slug
            for slug, state in self.states.items()
            if state.status in ("completed", "skipped") and slug not in again
        ]

    def fork(self, from_steps: Iterable[str], input: Json) -> Run:
        """A new run that does these steps, and what depends on them, again."""
        taken = {
            slug: replace(self.states[slug], tasks=[], reused=True) for slug in self.reusable(from_steps)
        }
        children = Children(self.children.flows)
        return Run(self.steps.values(), input, taken, clock=self.clock, flow=self.flow, children=children)

    def _pass_over(self, slug: str) -> None:
        """What a step that was taken over does to those behind it that were not."""
        for dependent in self.dependents(slug):
            state = self.states[dependent.slug]
            if not state.reused:
                state.remaining_deps -= 1
                if dependent.goes_over(slug):
                    state.initial = len(self.states[slug].output or [])

    def _forgive(self, slug: str, state: State, waits_for: str | None) -> None:
        left = [task for task in state.tasks if task.status != "completed"]
        for task in left:
            task.status, task.output, task.error, task.waits_for = "queued", None, None, waits_for
            task.forgiven, task.requeued, task.killed = task.attempts, 0, []
            task.is_tolerated, task.round = False, 1
        for index, task in enumerate(state.tasks):
            child = self.children.all.get((slug, index, task.attempts))
            if task.status == "queued" and child is not None:
                task.waits_for, task.forgiven = "child", task.attempts - 1
                self.children.are_wanted |= child.status in ("failed", "cancelled")
                if child.status == "completed":
                    self.children.ended.append((slug, index, task.attempts))
        state.remaining = len(left)

    # -- transitions ---------------------------------------------------------------------------------------

    def _first_state(self, step: Step) -> State:
        if step.array_slug is None:
            initial: int | None = 1
        else:
            initial = None if step.array_slug else len(self.input)
        return State(remaining_deps=len(step.deps), initial=initial)

    def _advance(self) -> None:
        """Conditions, taskless steps and waits until nothing changes; then starts and the run's end."""
        if not self.has_begun:
            return
        alternations = cascades = 0
        while self.status == "started":
            if self._judge(alternations):
                continue
            waits = self._ready(lambda step, state: step.wait is not None)
            is_taskless = self._complete_taskless()
            if waits:
                self._begin_waits(waits)
                self.open_ended |= self.status == "failed" and alternations > 0
            elif not is_taskless:
                break
            alternations += 1
            cascades += is_taskless
            if cascades > 50:
                raise Cascade
        if self.status == "started":
            self._start_ready()
            self._keep_held()
            self._finish()

    def _ready(self, wanted: Callable[[Step, State], bool]) -> list[str]:
        return [
            slug
            for slug, state in self.states.items()
            if state.status == "created" and state.remaining_deps == 0 and wanted(self.steps[slug], state)
        ]

    def _unmet(self, step: Step, state: State) -> bool:
        value = {"flow_input": self.input} | self.outputs_for(step) if step.deps else self.input
        return (
            any(self.states[slug].status != "completed" for slug in step.if_ran)
            or any(self.states[slug].status != "skipped" for slug in step.if_skipped)
            or (step.required is not None and not any(contains(value, each) for each in step.required))
            or any(contains(value, each) for each in step.forbidden)
        )

    def _judge(self, alternations: int) -> bool:
        """One round over the steps whose condition is unmet; False if there are none."""
        unmet = self._ready(self._unmet)
        for slug in unmet:
            if self.steps[slug].when_unmet == "fail":
                self.open_ended = alternations > 0
                self._fail_step(slug, "Condition not met")
                return True
        for slug in unmet:
            if self.steps[slug].when_unmet == "skip":
                self._skip(slug, "condition_unmet")
        for slug in unmet:
            if self.steps[slug].when_unmet == "skip":
                self._release_dependents(slug)
            else:
                self._skip_with_dependents(slug, "condition_unmet")
        return bool(unmet)

    def _complete_taskless(self) -> bool:
        found = self._ready(lambda step, state: state.initial == 0)
        for slug in found:
            self._complete_step(slug, [] if self.steps[slug].kind == "map" else None)
        return bool(found)

    def _begin_waits(self, slugs: list[str]) -> None:
        """What is over already ends at once, and what is no time."""
        for slug in slugs:
            self._wait(slug)
        wrong = [slug for slug in slugs if self._is_wrong(slug)]
        for slug in wrong:
            self.states[slug].since = None
        self._exhaust(wrong, "invalid_time", self._why_wrong)
        if self.status != "started":
            for slug in slugs:
                self.states[slug].since = None
            return
        begun = sorted(set(slugs) - set(wrong))
        for slug in begun:
            state = self.states[slug]
            state.status, state.remaining = "started", 1
            self.events.append(f"step:{slug}:started")
        for slug in begun:
            due, kept = self.states[slug].due, self.inboxes.get(slug, Inbox()).kept
            if slug in self.waits("pick"):
                self._complete_step(slug, self._picked(slug))
            elif kept:
                self._complete_step(slug, kept.pop(0))
            elif slug in self.waits("sleep") and due is not None and due <= self.clock():
                self._complete_step(slug, None)

    def _wait(self, slug: str) -> None:
        step, state = self.steps[slug], self.states[slug]
        assert step.wait is not None
        now = self.clock()
        state.since = now if state.since is None else state.since
        value = None
        if step.wait.until and step.wait.what == "sleep":
            source, *path = step.wait.until
            value = at_path(self.input if source == "flow_input" else self.states[source].output, path)
        state.due = step.wait.due(value, state.since, now)

    def _picked(self, slug: str) -> Json:
        """What is at a pick's path of the run's input; nothing is an empty list for a map."""
        wait = self.steps[slug].wait
        found = None if wait is None else at_path(self.input, wait.until)
        feeds_map = any(step.goes_over(slug) for step in self.dependents(slug))
        return [] if found is None and feeds_map else found

    def _why_wrong(self, slug: str) -> str:
        wait = self.steps[slug].wait
        if wait is not None and wait.what == "pick":
            return "[TYPE_VIOLATION]"
        return f'"until" of sleep "{slug}" is no time'

    def _is_wrong(self, slug: str) -> bool:
        wait = self.steps[slug].wait
        if wait is not None and wait.what == "pick":
            feeds_map = any(step.goes_over(slug) for step in self.dependents(slug))
            return feeds_map and not isinstance(self._picked(slug), list)
        return wait is not None and bool(wait.until) and self.states[slug].due is None

    def _exhaust(self, slugs: list[str], reason: str, error: Callable[[str], str]) -> None:
        """These steps without a handler, in order of definition, have got nothing."""
        for slug in slugs:
            if self.steps[slug].when_exhausted == "fail":
                self._fail_step(slug, error(slug))
                return
        for slug in slugs:
            self._skip(slug, reason, error(slug))
        for slug in slugs:
            if self.steps[slug].when_exhausted == "skip":
                self._release_dependents(slug)
            else:
                for dependent in self.dependents(slug):
                    self._skip_with_dependents(dependent.slug, "dependency_skipped")

    def _complete_step(self, slug: str, output: Json) -> None:
        state = self.states[slug]
        state.status, state.output, state.remaining = "completed", output, 0
        self.events.append(f"step:{slug}:completed")
        for dependent in self.dependents(slug):
            other = self.states[dependent.slug]
            other.remaining_deps -= 1
            if dependent.goes_over(slug) and other.initial is None:
                other.initial = len(output)

    def _release_dependents(self, slug: str) -> None:
        """What a skipped step does to those behind it."""
        for dependent in self.dependents(slug):
            state = self.states[dependent.slug]
            state.remaining_deps -= 1
            if dependent.goes_over(slug):
                state.initial = 0

    def _skip(self, slug: str, reason: str, error: str | None = None) -> None:
        state = self.states[slug]
        self._leave_children([slug])
        self._note_under_way([slug])
        state.status, state.reason, state.error, state.remaining = "skipped", reason, error, None
        self.events.append(f"step:{slug}:skipped")

    def _skip_with_dependents(self, slug: str, reason: str) -> None:
        doomed = {slug}
        for step in self.steps.values():  # in order of definition, so parents come first
            if doomed & set(step.deps):
                doomed.add(step.slug)
        for other in self.steps:
            state = self.states[other]
            if other in doomed and state.status in ("created", "started"):
                self._archive([(other, number) for number in range(len(state.tasks))])
                self._skip(other, reason if other == slug else "dependency_skipped")

    def _start_ready(self) -> None:
        for slug in sorted(self._ready(lambda step, state: state.initial is not None)):
            state = self.states[slug]
            assert state.initial is not None
            state.status, state.remaining = "started", state.initial
            state.tasks = [Task() for _ in range(state.initial)]
            self.queue += [(slug, index) for index in range(state.initial)]
            self.events.append(f"step:{slug}:started")

    def _finish(self) -> None:
        if self.remaining_steps == 0:
            self.status = "completed"
            self._end()
            leaves = {
                slug: state.output
                for slug, state in self.states.items()
                if state.status == "completed" and not self.dependents(slug)
            }
            self.output = leaves or None
            self.events.append("run:completed")
            self._tell_parent()

    def _violates(self, slug: str, output: Json) -> bool:
        return (
            self.steps[slug].kind == "single"
            and not isinstance(output, list)
            and bool(self._maps_in_need(slug))
        )

    def _maps_in_need(self, slug: str) -> list[str]:
        """Maps that wait for the array that this step is to give."""
        return [
            step.slug
            for step in self.dependents(slug)
            if step.goes_over(slug) and self.states[step.slug].initial is None
        ]

    def _fail_by_type(self, slug: str, index: int, output: Json) -> None:
        task, (first, *_), produced = (
            self.states[slug].tasks[index],
            self._maps_in_need(slug),
            type_of(output),
        )
        task.status, task.output = "failed", output
        task.error = f"[TYPE_VIOLATION] Produced {produced} instead of array"
        error = (
            f"[TYPE_VIOLATION] Map step {first} expects array input but dependency {slug} produced {produced}"
        )
        self._fail_step(slug, error, index)

    def _fail_step(self, slug: str, error: str, index: int | None = None) -> None:
        state = self.states[slug]
        self._leave_children(self._open_steps())
        state.status, state.error = "failed", error
        self.status, self.error, self.failure = "failed", error, (slug, index)
        self._end()
        self.queue.clear()
        self.events += [f"step:{slug}:failed", "run:failed"]
        self._tell_parent()

    def _end(self) -> None:
        """The run ends; what is under way may still report."""
        self.end_count += 1
        self._note_under_way(self.states)

    def _note_under_way(self, slugs: Iterable[str]) -> None:
        self.under_way |= self._at_work(slugs)

    def _at_work(self, slugs: Iterable[str]) -> set[Attempt]:
        """Attempts that somebody is at. What a subflow step is at is its child."""
        return {
            self._attempt(slug, index)
            for slug in slugs
            for index, task in enumerate(self.states[slug].tasks)
            if task.status == "started" and self.steps[slug].subflow is None
        }

    def _archive(self, tasks: Iterable[tuple[str, int]]) -> None:
        gone = set(tasks)
        self.queue = [message for message in self.queue if message not in gone]
