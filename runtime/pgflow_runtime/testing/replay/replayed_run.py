"""A run in memory that follows a recording: today's handlers, on yesterday's values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.contract.boundary import decode
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.testing.engine.children import Children
from pgflow_runtime.testing.engine.clock import TaskKey, TimedRun
from pgflow_runtime.testing.engine.model import State
from pgflow_runtime.testing.engine.stored import Stored, store, text_of
from pgflow_runtime.testing.family import RunFamily
from pgflow_runtime.testing.memory_run import MemoryRun
from pgflow_runtime.testing.recordings.reading import RecordedTask, Recording
from pgflow_runtime.testing.recordings.redaction import Redaction
from pgflow_runtime.testing.replay.differences import (
    Difference,
    error_in_words,
    is_same_error,
    is_same_value,
    output_in_words,
)
from pgflow_runtime.testing.replay.order import WAIT, order_of
from pgflow_runtime.worker.protocol.outcome import Completed, FailedAttempt, Outcome, RoundEnded
from pgflow_shared.structure import changes

VIOLATION = "[TYPE_VIOLATION]"
"""How the core's own error begins, for a result that is no array and had to be one."""
EXHAUSTED = "LoopExhausted"
"""How it begins for a loop whose last round asked for one more."""
OVER = "timed out after "
"""The same for one that took too long."""
LATE = "its time was over"
STALLED = "its workers died with it"
NO_CONNECTION = "it asks for a connection"


@dataclass(frozen=True)
class Manner:
    """How a recording is followed.

    ``steps``: whose handlers are called; None: all. The others do what they did.
    ``goes_on``: whether what had not ended is done as well, when all else is.
    ``spares_connections``: whether a handler that finds no connection does what it did, instead of failing.
    """

    steps: Collection[str] | None = None
    goes_on: bool = True
    spares_connections: bool = False


class ReplayedRun(MemoryRun):
    """Each task that had ended is begun once, as its last attempt, in the order in which they ended.

    Its handler gets what was recorded of the steps before it, and so do conditions, whatever today's
    handlers have given: that is compared, and shown as the output. Where nothing was recorded, today's values
    count.
    """

    def __init__(
        self, family: RunFamily[MemoryRun], recording: Recording, manner: Manner | None = None
    ) -> None:
        """It is the first of its family."""
        tested = family.world[recording.flow_slug]
        children = Children({slug: each.plan.steps for slug, each in family.world.items()})
        timed = TimedRun(
            tested.plan,
            recording.input,
            _reused(recording, tested.contract),
            clock=family.clock,
            flow=tested.slug,
            children=children,
        )
        super().__init__(tested, timed, family)
        self.recording = recording
        self._manner = manner or Manner()
        self._redaction = Redaction(recording.redacted)
        self._order = order_of(recording)
        self._today: dict[TaskKey, Stored] = {}
        self._is_done = False
        self.called: list[TaskKey] = []
        """The tasks whose handlers were called and did their work."""
        self.passed_over: dict[TaskKey, str] = {}
        """Those that were not, although they should have been, and why."""
        self._differences = [
            Difference("structure", None, None, "another structure", sentence)
            for sentence in changes(recording.structure, tested.contract.structure)
        ]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(self._differences)

    # -- the work ------------------------------------------------------------------------------------------

    def next_task(self) -> TaskKey | None:
        while (key := self._next_recorded()) is not None:
            if key[1] != WAIT:
                return key
            self._end_wait(key[0])
        if not self._is_done:
            self._is_done = True
            self._end_as_recorded()
        return super().next_task() if self._manner.goes_on and self.status == "started" else None

    def _next_recorded(self) -> TaskKey | None:
        """What ended next, of all that can end now."""
        model = self.timed.model
        queued = [key for key in model.tasks("queued") if self._order_counts(key)]
        waiting = [(slug, WAIT) for slug in [*model.waits("signal"), *model.waits("sleep")]]
        recorded = [key for key in (*queued, *waiting) if key in self._order]
        return min(recorded, key=self._order.__getitem__, default=None)

    def _end_wait(self, slug: str) -> None:
        """What was sent is sent, and what ended by time ends."""
        step = self.recording.steps[slug]
        del self._order[slug, WAIT]
        if step.status == "completed" and step.kind == "signal":
            self.timed.send(slug, step.output)
        else:
            self.timed.end_wait(slug)

    def _order_counts(self, key: TaskKey) -> bool:
        """Not for what was begun here before: it goes on as in any run."""
        return self.timed.task(key).attempts == 0

    def _end_as_recorded(self) -> None:
        """What ended the run from outside, once all that had ended before has."""
        if self.recording.status == "cancelled":
            self.timed.cancel(self.recording.cancel_reason)
        elif self.recording.status == "failed" and self.recording.culprit == (None, None):
            self.timed.time_out()

    async def attempt(self, key: TaskKey) -> None:
        if key not in self._order or not self._order_counts(key):
            await super().attempt(key)
            return
        slug, index = key
        recorded = self.recording.steps[slug].tasks[index]
        self.timed.resume(
            key,
            attempts=recorded.attempts,
            forgiven=recorded.forgiven,
            requeued=recorded.requeued,
            round=recorded.round,
            state=recorded.state,
        )
        if self.status != "started":
            return
        outcome = await self._tried(key, recorded)
        if outcome is None:
            self._do_as_recorded(key, recorded)
            return
        if self._is_subflow(slug):
            self._compare_child(key, recorded, outcome)
            self._do_as_recorded(key, recorded)
            return
        self._compare(key, recorded, outcome)
        if isinstance(outcome, FailedAttempt) and self._is_tolerated(slug, recorded):
            self.timed.complete(key, recorded.output)
        elif isinstance(outcome, FailedAttempt):
            self.timed.fail(key, outcome.message, retryable=False)
        elif isinstance(outcome, Completed):
            today = self._today[key] = store(outcome.output)
            self.timed.complete(key, recorded.output if recorded.status == "completed" else today)
        elif isinstance(outcome, RoundEnded) and recorded.status == "completed":
            self.timed.complete(key, recorded.output)
        elif isinstance(outcome, RoundEnded):
            self.timed.again(key, store(outcome.state), outcome.delay_ms)
        else:
            raise AssertionError(f"a task in memory ends otherwise: {outcome}")

    async def _tried(self, key: TaskKey, recorded: RecordedTask) -> Outcome | None:
        """What today's handler does; None where it is not to be called, or could not do its work here."""
        slug, index = key
        if self._manner.steps is not None and slug not in self._manner.steps:
            return None
        if recorded.is_stalled or (recorded.error or "").startswith(OVER):
            self.passed_over[key] = STALLED if recorded.is_stalled else LATE
            return None
        self._given.connections.refused = False
        outcome = await self._outcome(self._row(slug, index, recorded.attempts))
        if self._manner.spares_connections and self._given.connections.refused:
            self.passed_over[key] = NO_CONNECTION
            return None
        self.called.append(key)
        return outcome

    def _do_as_recorded(self, key: TaskKey, recorded: RecordedTask) -> None:
        if self._is_subflow(key[0]) and recorded.status == "completed":
            self.timed.complete_by_child(key, recorded.output)
        elif recorded.status == "completed" or (recorded.error or "").startswith(VIOLATION):
            self.timed.complete(key, recorded.output)
        else:
            self.timed.fail(key, recorded.error or "", retryable=False)

    def _is_tolerated(self, slug: str, recorded: RecordedTask) -> bool:
        """Whether what was recorded is a failure that takes the place of an output, today still."""
        is_failure = isinstance(recorded.output, dict) and list(recorded.output) == ["$failed"]
        return is_failure and self.timed.model.steps[slug].when_exhausted == "value"

    def _is_subflow(self, slug: str) -> bool:
        """Whether another flow does the step's work: its run is not done again."""
        return self.timed.model.steps[slug].subflow is not None

    # -- what is as it was ---------------------------------------------------------------------------------

    def _compare(self, key: TaskKey, recorded: RecordedTask, outcome: Outcome) -> None:
        was_output = recorded.status == "completed" or (recorded.error or "").startswith(VIOLATION)
        if isinstance(outcome, FailedAttempt):
            error = self._redaction.error(outcome.message) or ""
            if self._is_tolerated(key[0], recorded):
                self._compare_tolerated(key, recorded.output, error)
            elif was_output:
                self._differ(
                    key, _kind(outcome.message), output_in_words(recorded.output), error_in_words(error)
                )
            elif not is_same_error(recorded.error or "", error):
                self._differ(
                    key, _kind(outcome.message), error_in_words(recorded.error), error_in_words(error)
                )
        elif isinstance(outcome, RoundEnded):
            then = output_in_words(recorded.output) if was_output else error_in_words(recorded.error)
            if not then.startswith(EXHAUSTED):
                self._differ(key, "output" if was_output else "error", then, "asks to run again")
        elif isinstance(outcome, Completed):
            today = self._redaction.made(key[0], store(outcome.output))
            if not was_output:
                self._differ(key, "error", error_in_words(recorded.error), output_in_words(today))
            elif not is_same_value(today, recorded.output):
                self._differ(key, "output", output_in_words(recorded.output), output_in_words(today))
                self._check_type(key, recorded.output)

    def _compare_child(self, key: TaskKey, recorded: RecordedTask, outcome: Outcome) -> None:
        """Of a subflow step it is the child's input that the handler gives."""
        then = output_in_words(recorded.child_input) if recorded.has_child else error_in_words(recorded.error)
        if isinstance(outcome, FailedAttempt):
            error = self._redaction.error(outcome.message) or ""
            if recorded.has_child or not is_same_error(recorded.error or "", error):
                self._differ(key, _kind(outcome.message), then, error_in_words(error))
        elif isinstance(outcome, Completed):
            today = self._redaction.made(key[0], store(outcome.output), "child_input")
            if not recorded.has_child:
                self._differ(key, "error", then, output_in_words(today))
            elif not is_same_value(today, recorded.child_input):
                self._differ(key, "output", then, output_in_words(today))
                self._check_type(key, recorded.child_input)

    def _compare_tolerated(self, key: TaskKey, output: Any, error: str) -> None:
        """Of a failure that became a value the first line was kept."""
        then = str(output["$failed"].get("error"))
        if not is_same_error(then, error.split("\n", 1)[0][: len(then)]):
            self._differ(key, "error", error_in_words(then), error_in_words(error))

    def _check_type(self, key: TaskKey, recorded: Stored) -> None:
        """Dependents that are still to come, or children, get values of the old type."""
        try:
            self._contract.steps[key[0]].check_output(decode(text_of(recorded)))
        except BoundaryError as error:
            self._differ(key, "type", output_in_words(recorded), f"is refused: {error}")

    def _differ(self, key: TaskKey, kind: Any, recorded: str, today: str) -> None:
        slug, index = key
        is_map = self._contract.steps[slug].is_map
        self._differences.append(Difference(kind, slug, index if is_map else None, recorded, today))

    # -- looking -------------------------------------------------------------------------------------------

    def _stored_output(self, slug: str) -> Stored:
        tasks = range(len(self.timed.model.states[slug].tasks))
        outputs = [self._task_output((slug, index)) for index in tasks]
        if not outputs:
            return super()._stored_output(slug)
        return outputs if self._contract.steps[slug].is_map else outputs[0]

    def _task_output(self, key: TaskKey) -> Stored:
        return self._today[key] if key in self._today else super()._task_output(key)


def _kind(message: str) -> str:
    return "type" if message.startswith("BoundaryError") else "error"


def _reused(recording: Recording, contract: FlowContract) -> dict[str, State]:
    """The steps that the run had taken over from another."""
    return {
        slug: State(status=step.status, output=step.output, reason=step.skip_reason, reused=True)
        for slug, step in recording.steps.items()
        if step.is_reused and slug in contract.steps
    }
