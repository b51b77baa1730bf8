"""How a task ended, as it is reported to the core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pgflow_runtime.dsl.retry_control import LONGEST_DELAY, NonRetryable, RetryAfter
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.worker.protocol.failure import describe, leaf
from pgflow_runtime.worker.protocol.rows import TaskRow


@dataclass(frozen=True, slots=True)
class Completed:
    """The handler returned; ``output`` is its checked result as JSON text."""

    row: TaskRow
    output: str
    seconds: float


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """The handler, or the check of what crosses its boundary, failed."""

    row: TaskRow
    message: str
    seconds: float
    retryable: bool = True
    retry_after: int | None = None
    """Seconds, instead of the step's own delay."""


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """The handler of a loop asked to be called again; ``state`` is what the next round gets, as JSON text."""

    row: TaskRow
    state: str
    delay_ms: int | None
    """Milliseconds until then; None: as the step says."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Stored:
    """The handler returned and its result is stored already: a transactional step's own commit."""

    row: TaskRow
    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A transactional step's result was refused: its writes were rolled back, nothing is to report.

    ``reason``: what had ended before it; None: it had a stale fence.
    """

    row: TaskRow
    seconds: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A transactional step's connection was lost: not its handler's failure, and perhaps it is stored."""

    row: TaskRow
    message: str
    seconds: float

    def as_failure(self) -> FailedAttempt:
        return FailedAttempt(self.row, self.message, self.seconds)


@dataclass(frozen=True, slots=True)
class Unbegun:
    """There was no room for it where its handler runs: it goes back to its queue, and is no attempt."""

    row: TaskRow
    seconds: float


Outcome: TypeAlias = Completed | FailedAttempt | RoundEnded | Stored | Refused | Lost | Unbegun


def failed(row: TaskRow, error: BaseException, seconds: float) -> FailedAttempt:
    """What an exception stands for (specification/worker-and-client.md, "Errors a handler may raise")."""
    meant = leaf(error)
    return FailedAttempt(
        row,
        describe(error),
        seconds,
        retryable=not isinstance(meant, NonRetryable | BoundaryError),
        retry_after=_seconds(meant) if isinstance(meant, RetryAfter) else None,
    )


def _seconds(error: RetryAfter) -> int | None:
    """What the error asks for; None, so the step's own delay, where a subclass made something else of it."""
    try:
        return max(0, min(int(error.seconds), LONGEST_DELAY))
    except Exception:
        return None


def timed_out(row: TaskRow, seconds: float) -> FailedAttempt:
    """The failure of a task whose time was over."""
    return FailedAttempt(
        row, f"TimeoutError: the task did not end within its timeout of {row.timeout} s", seconds
    )
