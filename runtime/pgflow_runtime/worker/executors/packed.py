"""What travels between a worker and the place where a handler runs: texts and numbers, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pgflow_runtime.worker.protocol.outcome import Completed, FailedAttempt, Outcome, RoundEnded
from pgflow_runtime.worker.protocol.rows import TaskRow

Kind: TypeAlias = Literal["completed", "round_ended", "failed"]


@dataclass(frozen=True, slots=True, repr=False)
class PackedTask:
    """One attempt at a task. All values are JSON texts where they are not names or numbers.

    Its ``repr`` is safe to be logged: it holds no value of a run, and not the DSN.
    """

    flow: str
    """Where the Flow object lives: ``module:name``."""
    contract: str
    """The path of its contract, as the worker knows it."""
    structure_hash: str
    flow_slug: str
    step_slug: str
    handler: str
    """``module.function``, for messages."""
    run_id: str
    task_index: int
    attempt: int
    msg_id: int
    seconds: int
    """What it may take, from when it begins."""
    input: str | None = field(repr=False)
    state: str | None = field(repr=False)
    """Of a loop: what the round before has left."""
    round: int | None
    others: str | None = field(repr=False)
    """What all tasks of a map get, where its handler asks for that."""
    flow_input: str | None = field(repr=False)
    """The run's input, where it is at hand; a handler's context fetches it otherwise."""
    trace_context: str | None
    dsn: str = field(repr=False)
    """For ``ctx.conn()`` and ``ctx.flow_input()``."""
    config: str = field(repr=False)
    """The worker's options."""
    executor: str
    """The executor's name, for messages."""

    @property
    def label(self) -> str:
        """``flow/step[index]``, and which attempt: what a cluster's own page may show."""
        return f"{self.flow_slug}/{self.step_slug}[{self.task_index}] attempt {self.attempt}"

    def __repr__(self) -> str:
        """Without inputs and the DSN: clusters log the arguments of what fails."""
        return f"PackedTask({self.label})"


@dataclass(frozen=True, slots=True)
class PackedResult:
    """What became of it."""

    kind: Kind
    text: str
    """Completed: the output; round ended: the state, both as JSON texts; failed: the message."""
    delay_ms: int | None = None
    """Of a round that ended."""
    is_retryable: bool = True
    retry_after: int | None = None
    """Of a failure: seconds, instead of the step's own delay."""

    def outcome(self, row: TaskRow, seconds: float) -> Outcome:
        """As the worker reports it."""
        match self.kind:
            case "completed":
                return Completed(row, self.text, seconds)
            case "round_ended":
                return RoundEnded(row, self.text, self.delay_ms, seconds)
            case "failed":
                return FailedAttempt(row, self.text, seconds, self.is_retryable, self.retry_after)


def packed(outcome: Outcome) -> PackedResult:
    """What is sent back of an outcome; a step that runs elsewhere is never transactional."""
    match outcome:
        case Completed():
            return PackedResult("completed", outcome.output)
        case RoundEnded():
            return PackedResult("round_ended", outcome.state, delay_ms=outcome.delay_ms)
        case FailedAttempt():
            return PackedResult(
                "failed", outcome.message, is_retryable=outcome.retryable, retry_after=outcome.retry_after
            )
        case _:
            raise AssertionError(f"a transactional step elsewhere: {outcome!r}")
