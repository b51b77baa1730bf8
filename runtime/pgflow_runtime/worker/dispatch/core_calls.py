"""The calls that move tasks: claim, complete with hand-over, fail, release. Many tasks a statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, LiteralString, TypeVar

import psycopg

from pgflow_runtime.database.arrays import fences, flags, optional, plain, slugs, texts
from pgflow_runtime.database.refusals import passes
from pgflow_runtime.database.store import from_psycopg
from pgflow_runtime.errors import PgflowError, WorkerNotRegistered
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.dispatch.core_connection import CoreConnection
from pgflow_runtime.worker.dispatch.served import ServedFlow, ServedFlows
from pgflow_runtime.worker.protocol.failure import clean, cut, headline, in_words
from pgflow_runtime.worker.protocol.outcome import Completed, FailedAttempt, Outcome, RoundEnded
from pgflow_runtime.worker.protocol.rows import Fence, TaskRow, task_rows
from pgflow_runtime.worker.protocol.statements import (
    AGAIN,
    ANNOUNCE,
    CLAIM,
    CLAIM_MEASURED,
    COMPLETE,
    FAIL,
    LOCKED_RUNS,
    REGISTER,
    RELEASE,
    STARTED_TASKS,
)

OutcomeT = TypeVar("OutcomeT", bound=Outcome)
ResultT = TypeVar("ResultT", Completed, RoundEnded)

HELD_UP = "held up"
"""Outcome of a row whose result or failure is to be reported again."""
LOCKED = "55P03"
"""SQLSTATE of a lock that was not to be had in time."""
DATA_ERRORS = ("22", "23", "54")
"""SQLSTATE classes that a task's own data can cause: repeated one by one, only the culprit fails."""
MOST_BYTES = 32 * 1024 * 1024
"""Input in one claim at most, unless a single one is larger, where claims as they are cannot be read."""


class CoreCalls:
    """Speaks to the core for all flows of a process. Callers hold the link's lock."""

    def __init__(self, flows: ServedFlows, visibility_timeout: int) -> None:
        self._flows = flows
        self._visibility_timeout = visibility_timeout

    async def announce(
        self, connection: CoreConnection, flows: Sequence[ServedFlow], seconds: int
    ) -> float | None:
        """Ask for notifications for so many seconds; seconds until the next message becomes visible."""
        ids = plain(flow.worker_id for flow in flows)
        try:
            rows = await self._call(connection, ANNOUNCE, (ids, seconds))
        except psycopg.Error as error:
            raise from_psycopg(error) from error
        seconds_until: float | None = rows[0][0]
        return seconds_until

    async def claim(
        self, connection: CoreConnection, flows: Sequence[ServedFlow], most: int
    ) -> list[TaskRow]:
        """Up to ``most`` tasks of these flows, started.

        Where the server cannot write one of the inputs out, or Python not take the answer in, the tasks are
        claimed once more with each input measured: that fails the culprit.

        Raises:
            PgflowError: the core refuses, for instance because a flow was deleted.
        """
        parameters = (
            plain(flow.worker_id for flow in flows),
            slugs(flow.slug for flow in flows),
            most,
            self._visibility_timeout,
            self._flows.flow_input_steps,
        )
        try:
            return task_rows(await self._call(connection, CLAIM, parameters))
        except PgflowError:
            raise
        except Exception as error:
            if isinstance(error, psycopg.Error) and not _is_of_data(error):
                raise from_psycopg(error) from error
            logs.logger.warning("claimed tasks cannot be read, so each is measured: %s", headline(error))
            await _leave(connection, error)
        try:
            return task_rows(await self._call(connection, CLAIM_MEASURED, (*parameters, MOST_BYTES)))
        except psycopg.Error as error:
            raise from_psycopg(error) from error

    async def complete(
        self, connection: CoreConnection, batch: Sequence[Completed], hand_over: int
    ) -> list[TaskRow]:
        """Store results; rows for what went differently, and up to ``hand_over`` tasks that are ready now.

        A result whose data the database refuses is failed instead; the others of the batch are stored.
        """
        return await self._store(connection, COMPLETE, self._completion, batch, hand_over)

    async def again(
        self, connection: CoreConnection, batch: Sequence[RoundEnded], hand_over: int
    ) -> list[TaskRow]:
        """End rounds of loops; rows for what went differently, and up to ``hand_over`` that begin now.

        A state that the database refuses fails its task; those of the others are stored.
        """
        return await self._store(connection, AGAIN, self._rounds, batch, hand_over)

    async def fail(self, connection: CoreConnection, batch: Sequence[FailedAttempt]) -> list[TaskRow]:
        """Report failures; one row for each, saying what becomes of the task."""
        parameters = (
            *fences([item.row.fence for item in batch]),
            texts(item.message for item in batch),
            flags(item.retryable for item in batch),
            optional(item.retry_after for item in batch),
        )
        try:
            return task_rows(await self._call(connection, FAIL, parameters, len(batch)))
        except PgflowError:
            raise
        except Exception as error:
            await _leave(connection, error)
            if len(batch) == 1:
                return await self._failure_refused(connection, batch[0], error)
            free, held = await self._apart(connection, batch, error)
        if held:
            return held + (await self.fail(connection, free) if free else [])
        rows: list[TaskRow] = []
        for item in batch:
            rows += [_held_up(item.row)] if _is_held(item.row, rows) else await self.fail(connection, [item])
        return rows

    async def release(self, connection: CoreConnection, tasks: Sequence[Fence]) -> int:
        """Give tasks back to the queue without counting the attempt; how many were given back."""
        rows = await connection.call_limited(RELEASE, fences(tasks))
        return int(rows[0][0])

    async def give_back(self, connection: CoreConnection, row: TaskRow) -> bool | None:
        """Release one task; False when it was not started any more, None when the core takes no word.

        Raises:
            DatabaseError: something is in the way that passes.
        """
        try:
            return await self.release(connection, [row.fence]) == 1
        except PgflowError:
            raise
        except Exception as error:
            if isinstance(error, psycopg.Error) and passes(error):
                raise from_psycopg(error) from error
            await _leave(connection, error)
            _give_up(row, error)
            return None

    async def started(self, connection: CoreConnection) -> set[Fence]:
        """The attempts that the database believes this worker to be at."""
        rows = await connection.call_locked(STARTED_TASKS, (self._flows.worker_ids,))
        return {Fence._make(row) for row in rows}

    async def _call(
        self,
        connection: CoreConnection,
        statement: LiteralString,
        parameters: Sequence[Any],
        sent: int = 0,
    ) -> list[tuple[Any, ...]]:
        """A call that is repeated after registering again, where somebody deleted this worker's row.

        ``sent``: how many outcomes go with it, for who observes.
        """
        try:
            return await connection.call_limited(statement, parameters)
        except psycopg.Error as error:
            if error.sqlstate != WorkerNotRegistered.sqlstate:
                raise
        for flow in self._flows.all:
            await connection.call_locked(REGISTER, self._flows.registration(flow))
        return await connection.call_limited(statement, parameters)

    def _completion(self, batch: Sequence[Completed], hand_over: int) -> tuple[Any, ...]:
        return (
            *fences([item.row.fence for item in batch]),
            texts(item.output for item in batch),
            hand_over,
            self._flows.flow_input_steps,
        )

    def _rounds(self, batch: Sequence[RoundEnded], hand_over: int) -> tuple[Any, ...]:
        return (
            *fences([item.row.fence for item in batch]),
            texts(item.state for item in batch),
            optional(item.delay_ms for item in batch),
            hand_over,
            self._flows.flow_input_steps,
        )

    async def _store(
        self,
        connection: CoreConnection,
        statement: LiteralString,
        parameters: Callable[[Sequence[ResultT], int], tuple[Any, ...]],
        batch: Sequence[ResultT],
        hand_over: int,
    ) -> list[TaskRow]:
        """Store a batch; where it is refused, find out of what, so that the others are stored."""
        try:
            given = parameters(batch, hand_over)
            return task_rows(await self._call(connection, statement, given, len(batch)))
        except PgflowError:
            raise
        except Exception as error:  # psycopg's, or what a value causes on its way to it or back
            await _leave(connection, error)
            if len(batch) == 1 and hand_over and not passes(error):
                # the culprit may be a task that was handed over
                return await self._store(connection, statement, parameters, batch, 0)
            if len(batch) == 1:
                return await self._refused(connection, batch[0], error)
            free, held = await self._apart(connection, batch, error)
        if held:
            others = await self._store(connection, statement, parameters, free, hand_over) if free else []
            return held + others
        rows: list[TaskRow] = []
        for item in batch:
            if _is_held(item.row, rows):
                rows.append(_held_up(item.row))
                continue
            handed = sum(row.outcome == "claimed" for row in rows)
            rows += await self._store(connection, statement, parameters, [item], hand_over - handed)
        return rows

    async def _apart(
        self, connection: CoreConnection, batch: Sequence[OutcomeT], error: Exception
    ) -> tuple[list[OutcomeT], list[TaskRow]]:
        """A batch that waited too long for a lock: what goes on without those runs that somebody holds."""
        if not isinstance(error, psycopg.Error) or error.sqlstate != LOCKED:
            return list(batch), []
        try:
            rows = await connection.call_locked(LOCKED_RUNS, (plain({item.row.run_id for item in batch}),))
        except psycopg.Error:
            return list(batch), []
        locked = {run_id for (run_id,) in rows}
        held = [_held_up(item.row, error) for item in batch if item.row.run_id in locked]
        return [item for item in batch if item.row.run_id not in locked], held

    async def _failure_refused(
        self, connection: CoreConnection, item: FailedAttempt, error: Exception
    ) -> list[TaskRow]:
        """A single failure was refused: for a while, or for letters the database does not have."""
        if passes(error):
            return [_held_up(item.row, error)]
        if item.message.isascii():
            return [_give_up(item.row, error)]
        spelled = item.message.encode("ascii", "backslashreplace").decode()
        return await self.fail(connection, [replace(item, message=spelled)])

    async def _refused(
        self, connection: CoreConnection, item: Completed | RoundEnded, error: Exception
    ) -> list[TaskRow]:
        """A single result was refused: for a while, or by its data, then the task fails; else it is lost."""
        if passes(error):
            return [_held_up(item.row, error)]
        if isinstance(error, psycopg.Error) and not _is_of_data(error):
            return [_give_up(item.row, error)]
        what = "state" if isinstance(item, RoundEnded) else "output"
        message = f"BoundaryError: the database refuses the {what}: {in_words(error)}"
        if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("54"):
            message += "; store large data elsewhere and hand over where it is"
        message = cut(clean(message))
        failure = FailedAttempt(item.row, message, item.seconds, retryable=False)
        rows = await self.fail(connection, [failure])
        return [_note_refusal(row, message, item.seconds) for row in rows]


def _held_up(row: TaskRow, error: Exception | None = None) -> TaskRow:
    """Something that passes is in the way of this outcome; None: of another one of its run."""
    if error is not None:
        logs.held_up(row, in_words(error))
    return row._replace(outcome=HELD_UP)


def _is_held(row: TaskRow, others: Sequence[TaskRow]) -> bool:
    """Whether an outcome of the same run was held up already: each try may have to wait for the same lock."""
    return any(other.outcome == HELD_UP and other.run_id == row.run_id for other in others)


def _note_refusal(row: TaskRow, message: str, seconds: float) -> TaskRow:
    """Log what became of a result that the database refused; whoever gets the row need not."""
    if row.outcome not in ("failed", "skipped"):
        return row
    (logs.failed if row.outcome == "failed" else logs.skipped)(row, message, seconds)
    return row._replace(outcome="refused")


def _give_up(row: TaskRow, error: Exception) -> TaskRow:
    """Nothing we could send would be accepted; the task is recovered once its timeout is over."""
    logs.unreported(row, in_words(error))
    return row._replace(outcome="unreported")


def _is_of_data(error: psycopg.Error) -> bool:
    """Whether a task's own data can be the cause: what it is, or that it takes more memory than there is."""
    state = error.sqlstate or ""
    return state[:2] in DATA_ERRORS or state == "53200" or "invalid memory alloc request size" in str(error)


async def _leave(connection: CoreConnection, error: Exception) -> None:
    """After an error that is not psycopg's nobody knows where the connection stands: open another."""
    if not isinstance(error, psycopg.Error):
        await connection.drop()
