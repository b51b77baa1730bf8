"""A run in memory, as a test looks at it and drives it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar, cast
from uuid import UUID, uuid4

from pgflow_runtime.contract.boundary import decode
from pgflow_runtime.contract.numerals import Numerals
from pgflow_runtime.dsl import Step
from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.dsl.waits import Signal
from pgflow_runtime.errors import RunCancelled, RunFailed, UsageError
from pgflow_runtime.testing.attempt import attempt, bound, failing
from pgflow_runtime.testing.engine.clock import UNTIL_DEAD, TaskKey, TimedRun
from pgflow_runtime.testing.engine.model import State
from pgflow_runtime.testing.engine.stored import Stored, store, text_of
from pgflow_runtime.testing.family import RunFamily
from pgflow_runtime.testing.flow_under_test import FlowUnderTest
from pgflow_runtime.testing.replay.differences import Difference
from pgflow_runtime.worker.protocol.outcome import Completed, FailedAttempt, Outcome, RoundEnded, timed_out
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.inputs import RunInputs
from pgflow_runtime.worker.tasks.task import TaskEnvironment
from pgflow_runtime.worker_config import WorkerConfig
from pgflow_shared.statuses import RunStatus, StepStatus, TaskStatus
from pgflow_shared.text import closest, listed

T = TypeVar("T")
"""A signal's type. Beside a function, which no payload is, mypy settles it by the signal."""


@dataclass(frozen=True, slots=True)
class MemoryTaskResult:
    """One task of a step. ``attempts`` counts those that a crash ended, too; of a loop those of all rounds,
    and ``rounds`` how far it has come.
    """

    status: TaskStatus
    attempts: int
    output: Any
    error: str | None
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class MemoryStep:
    """What has become of a step. ``skip_reason`` is None unless it was skipped."""

    slug: str
    status: StepStatus
    output: Any
    error: str | None
    skip_reason: str | None
    tasks: tuple[MemoryTaskResult, ...]
    children: tuple[MemoryRun, ...] = ()
    """Of a step with ``subflow=``: the runs that its tasks have started, by task and attempt."""

    @property
    def attempts(self) -> int:
        """How often a handler was begun, over all tasks."""
        return sum(task.attempts for task in self.tasks)


class MemoryRun:
    """A run of a flow without a database. It goes on only while something of it is awaited.

    One task is worked on at a time, in the order in which they are due; when none is, time jumps.
    """

    def __init__(self, tested: FlowUnderTest, timed: TimedRun, family: RunFamily[MemoryRun]) -> None:
        self.run_id: UUID = timed.model.id
        self.flow = tested.flow
        self.timed = timed
        self._contract = tested.contract
        self._given = tested.given
        self._family = family
        family.join(self, tested.companions)
        self._input_text = text_of(timed.model.input)
        self._worker_id, self._shutdown, self._config = str(uuid4()), Shutdown(), WorkerConfig()

    # -- looking -------------------------------------------------------------------------------------------

    @property
    def status(self) -> RunStatus:
        """``started``, ``completed``, ``failed`` or ``cancelled``."""
        return cast(RunStatus, self.timed.model.status)

    @property
    def input(self) -> Any:
        """The run's input, as its handlers get it."""
        return _read(self.timed.model.input, self._contract.input_numerals, self._contract.decode_input)

    @property
    def output(self) -> Any:
        """The outputs of the leaf steps by slug, once the run has completed; before, None."""
        if self.status != "completed":
            return None
        leaves = {slug: self._stored_output(slug) for slug in self.timed.model.output or {}}
        contract = self._contract
        return _read(leaves, contract.output_numerals, contract.decode_output)

    @property
    def error(self) -> str | None:
        """Why the run has failed."""
        return self.timed.model.error

    @property
    def cancel_reason(self) -> str | None:
        return self.timed.model.reason

    @property
    def elapsed(self) -> float:
        """Seconds of the run's clock from its start to its end, or until now. Handlers take none, but for one
        that is timed out."""
        return self.timed.elapsed

    def next_time(self) -> float | None:
        """When something will happen next by itself, in seconds since the start; None: never."""
        return self.timed.next_time()

    @property
    def companions(self) -> tuple[MemoryRun, ...]:
        """The runs of the flow's undos and ends that have followed the ends of this one, in their order."""
        followed = self._family.followed(self)
        return () if followed is None else followed.companions

    @property
    def undone(self) -> Mapping[str, Sequence[int]]:
        """By step: the tasks that its undo has undone, by their indexes."""
        followed = self._family.followed(self)
        return {} if followed is None else followed.undone

    @property
    def events(self) -> tuple[str, ...]:
        """What has happened, as clients are told: ``run:started``, ``step:charge:completed``, ..."""
        return tuple(self.timed.model.events)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Of a run that follows a recording: what today's handlers have done otherwise, so far."""
        return ()

    def step(self, step: Step[Any] | str) -> MemoryStep:
        """A step by itself or its slug. Raises UsageError when the flow has none such."""
        slug = self._slug(step)
        state, contract = self.timed.model.states[slug], self._contract.steps[slug]
        is_complete = state.status == "completed"
        return MemoryStep(
            slug=slug,
            status=self._shown(state.status),
            output=_read(self._stored_output(slug), contract.output_numerals, contract.decode_output)
            if is_complete
            else None,
            error=state.error,
            skip_reason=state.reason,
            tasks=tuple(self._task((slug, index)) for index in range(len(state.tasks))),
            children=self._family.children(self, slug),
        )

    def attempts(self, step: Step[Any] | str) -> int:
        """How often the step's handler was begun; of a map, for all elements together."""
        return self.step(step).attempts

    # -- going on ------------------------------------------------------------------------------------------

    async def result(self) -> Any:
        """Go on to the end; the run's output.

        Raises:
            RunFailed: it has failed; carries step, task and message.
            RunCancelled: it was cancelled.
        """
        await self.finish()
        if self.status == "cancelled":
            raise RunCancelled(self.run_id, self._contract.slug, self.cancel_reason)
        if self.status == "failed":
            slug, index = self._culprit()
            raise RunFailed(self.run_id, self._contract.slug, self.error, slug, index)
        return self.output

    async def finish(self) -> None:
        """Go on to the end, whichever it is; of the test's own run to that of all that follows from it."""
        is_first = self._family.members[0] is self
        await self._go_on(lambda: not is_first and self.status != "started")

    async def until(self, step: Step[Any] | str) -> None:
        """Go on until the step is about to begin, or has begun: none of its tasks is worked on here.

        Raises UsageError when the run has ended without it, or it was skipped.
        """
        slug = self._slug(step)
        state = self.timed.model.states[slug]
        await self._go_on(
            lambda: (
                self.status != "started"
                or state.status not in ("created", "started")
                or self._is_next(slug)
                or self._waits(slug)
            )
        )
        has_ended = self.status != "started" or state.status == "skipped"
        if has_ended and not (self.attempts(slug) or state.status == "completed"):
            why = f": {self.error}" if self.error else ""
            status = self.step(slug).status
            raise UsageError(f"step {slug!r} has not begun: it is {status}, the run {self.status}{why}")

    async def work(self) -> None:
        """Do all that is due now; time stands still."""
        await self._go_on(lambda: False, jump=False)

    def advance(self, seconds: float) -> None:
        """Let so much time pass during which nobody works: what falls due is done when the run goes on.

        Raises UsageError for a time that is negative or no number.
        """
        if not math.isfinite(seconds) or seconds < 0:
            raise UsageError(f"time advances by a number of seconds, not by {seconds!r}")
        self._family.move_to(self._family.clock.now + seconds)

    def send(
        self,
        signal: Signal[T],
        payload: T | Callable[[T], NoReturn],
        *,
        dedupe: str | None = None,
        after: float | None = None,
    ) -> str:
        """Send a signal, as whoever answers would.

        Args:
            payload: it must fit the signal's type.
            dedupe: a mark; of several with the same one the first counts.
            after: seconds of the run's clock from its start; it is sent then. Default: now.

        Returns:
            What became of it: ``taken``; ``kept``, until its step is ready; ``late``, ``duplicate`` or
            ``full``; ``later``, where ``after`` says so.

        Raises:
            InvalidInput: the payload does not fit; nothing was sent.
            UsageError: the signal is not of this flow, or its time has passed.
        """
        slug = self._signal_slug(signal)
        stored = store(self._contract.signal(slug).encode_payload(payload))
        if after is None:
            outcome = self.timed.send(slug, stored, dedupe)
            self._family.settle()
            return outcome
        if not math.isfinite(after) or after < self.timed.now:
            raise UsageError(f"signal {slug!r} is sent at a time that is to come, not after {after!r} s")
        self.timed.send_later(after, slug, stored, dedupe)
        return "later"

    def send_given(self) -> None:
        """For the family: what the test has listed is sent to the run, each at its time."""
        for item in self._given.signals:
            self.send(item.signal, item.payload, after=item.after)

    def cancel(self, reason: str | None = None) -> bool:
        """End the run now; whether it was this that ended it."""
        is_changed = self.timed.cancel(reason)
        self._family.settle()
        return is_changed

    def retry(self, *, even_if_undone: bool = False) -> bool:
        """Take a failed or cancelled run up again where it ended; whether it goes on by this.

        It does not while its undo or an end of it runs, nor after an undo, but with ``even_if_undone``.
        """
        followed = self._family.followed(self)
        if followed is not None and (followed.is_open or (followed.has_undo and not even_if_undone)):
            return False
        is_changed = self.timed.retry()
        self._family.settle()
        return is_changed

    # -- the work ------------------------------------------------------------------------------------------

    async def _go_on(self, is_enough: Callable[[], bool], *, jump: bool = True) -> None:
        await self._family.go_on(is_enough, jump=jump)

    def next_task(self) -> TaskKey | None:
        """For the family: the task to begin now."""
        return self.timed.next_task()

    def _is_next(self, slug: str) -> bool:
        """Whether a task of the step is next, or one was begun before."""
        key = self.next_task()
        return (key is not None and key[0] == slug) or self.attempts(slug) > 0

    def _waits(self, slug: str) -> bool:
        """Whether a step without a handler has begun to wait."""
        model = self.timed.model
        return model.steps[slug].wait is not None and model.states[slug].status == "started"

    async def attempt(self, key: TaskKey) -> None:
        """For the family: work on a task."""
        slug, index = key
        number = self.timed.start(key)
        row = self._row(slug, index, number)
        outcome = await self._outcome(row)
        if number <= self._given.crashes.get(slug, 0):
            self._family.move_to(self._family.clock.now + UNTIL_DEAD)
            self.timed.lose(key)
        else:
            self._report(key, outcome)

    async def _outcome(self, row: TaskRow) -> Outcome:
        """Run the handler."""
        outcome = await attempt(row, self._bound(row.step_slug, row.attempt), self._environment())
        if outcome is None:
            self._family.move_to(self._family.clock.now + row.timeout)
            return timed_out(row, row.timeout)
        return outcome

    def _report(self, key: TaskKey, outcome: Outcome) -> None:
        if isinstance(outcome, Completed):
            self.timed.complete(key, store(outcome.output))
        elif isinstance(outcome, FailedAttempt):
            self.timed.fail(
                key, outcome.message, retryable=outcome.retryable, retry_after=outcome.retry_after
            )
        elif isinstance(outcome, RoundEnded):
            self.timed.again(key, store(outcome.state), outcome.delay_ms)
        else:
            raise AssertionError(f"a task in memory ends otherwise: {outcome}")

    def _bound(self, slug: str, number: int) -> BoundStep:
        step, errors = self.flow.steps[slug], self._given.failures.get(slug, ())
        error = errors[number - 1] if number <= len(errors) else None
        if error is not None:
            return failing(self._contract, step, error)
        gives_output = slug in self._given.outputs
        return bound(self._contract, step, self._given.replaced.get(slug), gives_output=gives_output)

    def _row(self, slug: str, index: int, number: int) -> TaskRow:
        """The task as a worker is given it."""
        input, _ = self.timed.model.task_input(slug, index)
        is_root = not self.timed.model.steps[slug].deps
        task = self.timed.task((slug, index))
        return TaskRow(
            outcome="claimed",
            flow_slug=self._contract.slug,
            run_id=str(self.run_id),
            step_slug=slug,
            task_index=index,
            attempt=number,
            worker_id=self._worker_id,
            msg_id=index + 1,
            input=text_of(input),
            flow_input=self._input_text if is_root and not self._contract.steps[slug].is_map else None,
            timeout=self.timed.plan.times[slug].timeout,
            delay=None,
            max_attempts=None,
            state=None if task.round == 1 and task.state is None else text_of(task.state),
            round=None if task.round == 1 else task.round,
        )

    def _environment(self) -> TaskEnvironment:
        async def fetch(_run_id: str, step_slug: str | None) -> str:
            if step_slug is None:
                return self._input_text
            return text_of(self.timed.model.step_input(step_slug))

        return TaskEnvironment(
            config=self._config,
            variables=MappingProxyType(dict(self._given.variables)),
            shutdown=self._shutdown,
            inputs=RunInputs(fetch, asyncio.get_running_loop()),
            connections=self._given.connections,
        )

    # -- words ---------------------------------------------------------------------------------------------

    def _slug(self, step: Step[Any] | str) -> str:
        slug = step if isinstance(step, str) else step.slug
        if slug not in self._contract.steps or (isinstance(step, Step) and step.flow is not self.flow):
            close = closest(slug, self._contract.steps)
            raise UsageError(
                f"flow {self._contract.slug!r} has no step {slug!r}",
                help=f"did you mean {close!r}?" if close else f"it has {', '.join(self._contract.steps)}",
            )
        return slug

    def endless(self) -> UsageError:
        """For the family: nothing will happen any more by itself."""
        open_signals = self.timed.model.waits("signal")
        if not open_signals:
            return UsageError(f"run of flow {self._contract.slug!r} waits for nothing that comes")
        return UsageError(
            f"run of flow {self._contract.slug!r} waits for {listed(open_signals)}, without a deadline",
            help=f"send it: signals=[{open_signals[0]}.sent(...)], or run.send({open_signals[0]}, ...)",
        )

    def _signal_slug(self, signal: object) -> str:
        if not isinstance(signal, Signal) or self.flow.steps.get(signal.slug) is not signal:
            raise UsageError(f"{signal!r} is no signal of flow {self.flow.db_slug!r}")
        return signal.slug

    def _culprit(self) -> tuple[str | None, int | None]:
        """The step and the task that failed the run, if one did."""
        for slug, state in self.timed.model.states.items():
            if state.status == "failed":
                return slug, _failed_task(state)
        return None, None

    def _shown(self, status: str) -> Any:
        """What was open when the run ended is shown as cancelled, as everywhere."""
        is_open = status in ("created", "queued", "started")
        return "cancelled" if is_open and self.status != "started" else status

    def _stored_output(self, slug: str) -> Stored:
        """What a step that has completed has given."""
        output: Stored = self.timed.model.states[slug].output
        return output

    def _task_output(self, key: TaskKey) -> Stored:
        output: Stored = self.timed.task(key).output
        return output

    def _task(self, key: TaskKey) -> MemoryTaskResult:
        task = self.timed.task(key)
        output = decode(text_of(self._task_output(key))) if task.status == "completed" else None
        return MemoryTaskResult(self._shown(task.status), task.attempts, output, task.error, task.round)

    def __repr__(self) -> str:
        steps = ", ".join(f"{slug} {state.status}" for slug, state in self.timed.model.states.items())
        why = f": {self.error.splitlines()[0]}" if self.error else ""
        return f"<run of {self._contract.slug!r}, {self.status} after {self.elapsed:g} s{why}; {steps}>"


def _failed_task(state: State) -> int | None:
    return next((index for index, task in enumerate(state.tasks) if task.status == "failed"), None)


def _read(value: Stored, numerals: Numerals, made: Callable[[Any], Any] | None) -> Any:
    """A stored value as a handler gets it: with numbers as typed, and ``made`` what it is in Python."""
    text = text_of(value)
    fitted = numerals.fit(decode(text), text)
    return fitted if made is None else made(fitted)
