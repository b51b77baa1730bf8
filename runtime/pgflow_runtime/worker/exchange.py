"""The calls that move tasks: claim, complete with hand-over, fail, release. Many tasks a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, LiteralString, TypeVar

import psycopg

from pgflow_runtime.arrays import fences, flags, optional, plain, texts
from pgflow_runtime.database.refusals import passes
from pgflow_runtime.errors import WorkerNotRegistered
from pgflow_runtime.store import from_psycopg
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.failure import clean
from pgflow_runtime.worker.link import Link
from pgflow_runtime.worker.outcome import Completed, Failed, Outcome
from pgflow_runtime.worker.rows import Fence, TaskRow, task_rows
from pgflow_runtime.worker.served import ServedFlow, ServedFlows
from pgflow_runtime.worker.statements import (
    ANNOUNCE,
    CLAIM,
    COMPLETE,
    FAIL,
    LOCKED_RUNS,
    REGISTER,
    RELEASE,
    STARTED_TASKS,
)

OutcomeT = TypeVar("OutcomeT", bound=Outcome)

HELD_UP = "held up"
"""Outcome of a row whose result or failure is to be reported again."""
LOCKED = "55P03"
"""SQLSTATE of a lock that was not to be had in time."""
DATA_ERRORS = ("22", "23", "54")
"""SQLSTATE classes that a task's own data can cause: repeated one by one, only the culprit fails."""
UNTRANSLATABLE = "22P05"
"""SQLSTATE of a text with characters that the database's encoding does not have."""


class Exchange:
    """Speaks to the core for all flows of a process. Callers hold the link's lock."""

    def __init__(self, flows: ServedFlows, name: str, visibility_timeout: int) -> None:
        self._flows = flows
        self._name = name
        self._visibility_timeout = visibility_timeout

    async def announce(self, link: Link, flows: Sequence[ServedFlow], seconds: int) -> float | None:
        """Ask for notifications for so many seconds; seconds until the next message becomes visible."""
        ids = plain(flow.worker_id for flow in flows)
        try:
            rows = await self._call(link, ANNOUNCE, (ids, seconds))
        except psycopg.Error as error:
            raise from_psycopg(error) from error
        seconds_until: float | None = rows[0][0]
        return seconds_until

    async def claim(self, link: Link, flows: Sequence[ServedFlow], most: int) -> list[TaskRow]:
        """Up to ``most`` tasks of these flows, started.

        Raises:
            PgflowError: the core refuses, for instance because a flow was deleted.
        """
        parameters = (
            plain(flow.worker_id for flow in flows),
            plain(flow.slug for flow in flows),
            most,
            self._visibility_timeout,
            self._flows.flow_input_steps,
        )
        try:
            return task_rows(await self._call(link, CLAIM, parameters))
        except psycopg.Error as error:
            raise from_psycopg(error) from error

    async def complete(self, link: Link, batch: Sequence[Completed], hand_over: int) -> list[TaskRow]:
        """Store results; rows for what went differently, and up to ``hand_over`` tasks that are ready now.

        A result whose data the database refuses is failed instead; the others of the batch are stored.
        """
        try:
            return task_rows(await self._call(link, COMPLETE, self._completion(batch, hand_over)))
        except psycopg.Error as error:
            if len(batch) == 1:
                return await self._refused(link, batch[0], error)
            free, held = await self._apart(link, batch, error)
        if not held:
            return await self._one_by_one(link, batch, hand_over)
        return held + (await self.complete(link, free, hand_over) if free else [])

    async def fail(self, link: Link, batch: Sequence[Failed]) -> list[TaskRow]:
        """Report failures; one row for each, saying what becomes of the task."""
        parameters = (
            *fences([item.row.fence for item in batch]),
            texts(item.message for item in batch),
            flags(item.retryable for item in batch),
            optional(item.retry_after for item in batch),
        )
        try:
            return task_rows(await self._call(link, FAIL, parameters))
        except psycopg.Error as error:
            if len(batch) == 1:
                return await self._failure_refused(link, batch[0], error)
            free, held = await self._apart(link, batch, error)
        if held:
            return held + (await self.fail(link, free) if free else [])
        rows: list[TaskRow] = []
        for item in batch:
            rows += [_held_up(item.row)] if _is_held(item.row, rows) else await self.fail(link, [item])
        return rows

    async def release(self, link: Link, tasks: Sequence[Fence]) -> int:
        """Give tasks back to the queue without counting the attempt; how many were given back."""
        rows = await link.call_locked(RELEASE, fences(tasks))
        return int(rows[0][0])

    async def give_back(self, link: Link, row: TaskRow) -> bool | None:
        """Release one task; False when it was not started any more, None when the core takes no word.

        Raises:
            DatabaseError: something is in the way that passes.
        """
        try:
            return await self.release(link, [row.fence]) == 1
        except psycopg.Error as error:
            if passes(error):
                raise from_psycopg(error) from error
            _give_up(row, error)
            return None

    async def started(self, link: Link) -> set[Fence]:
        """The attempts that the database believes this worker to be at."""
        rows = await link.call_locked(STARTED_TASKS, (self._flows.worker_ids,))
        return {Fence._make(row) for row in rows}

    async def _call(
        self, link: Link, statement: LiteralString, parameters: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """A call that is repeated after registering again, where somebody deleted this worker's row."""
        try:
            return await link.call_locked(statement, parameters)
        except psycopg.Error as error:
            if error.sqlstate != WorkerNotRegistered.sqlstate:
                raise
        for flow in self._flows.all:
            await link.call_locked(REGISTER, (flow.worker_id, flow.slug, self._name))
        return await link.call_locked(statement, parameters)

    def _completion(self, batch: Sequence[Completed], hand_over: int) -> tuple[Any, ...]:
        return (
            *fences([item.row.fence for item in batch]),
            texts(item.output for item in batch),
            hand_over,
            self._flows.flow_input_steps,
        )

    async def _apart(
        self, link: Link, batch: Sequence[OutcomeT], error: psycopg.Error
    ) -> tuple[list[OutcomeT], list[TaskRow]]:
        """A batch that waited too long for a lock: what goes on without those runs that somebody holds."""
        if error.sqlstate != LOCKED:
            return list(batch), []
        try:
            rows = await link.call_locked(LOCKED_RUNS, (plain({item.row.run_id for item in batch}),))
        except psycopg.Error:
            return list(batch), []
        locked = {run_id for (run_id,) in rows}
        held = [_held_up(item.row, error) for item in batch if item.row.run_id in locked]
        return [item for item in batch if item.row.run_id not in locked], held

    async def _one_by_one(self, link: Link, batch: Sequence[Completed], hand_over: int) -> list[TaskRow]:
        rows: list[TaskRow] = []
        for item in batch:
            if _is_held(item.row, rows):
                rows.append(_held_up(item.row))
                continue
            handed = sum(row.outcome == "claimed" for row in rows)
            rows += await self.complete(link, [item], hand_over - handed)
        return rows

    async def _failure_refused(self, link: Link, item: Failed, error: psycopg.Error) -> list[TaskRow]:
        """A single failure was refused: for a while, or for letters the database does not have."""
        if passes(error):
            return [_held_up(item.row, error)]
        if error.sqlstate != UNTRANSLATABLE or item.message.isascii():
            return [_give_up(item.row, error)]
        spelled = item.message.encode("ascii", "backslashreplace").decode()
        return await self.fail(link, [replace(item, message=spelled)])

    async def _refused(self, link: Link, item: Completed, error: psycopg.Error) -> list[TaskRow]:
        """A single result was refused: for a while, or by its data, then the task fails; else it is lost."""
        if passes(error):
            return [_held_up(item.row, error)]
        if (error.sqlstate or "")[:2] not in DATA_ERRORS:
            return [_give_up(item.row, error)]
        message = clean(f"BoundaryError: the database refuses the output: {from_psycopg(error)}")
        failure = Failed(item.row, message, item.seconds, retryable=False)
        rows = await self.fail(link, [failure])
        return [_note_refusal(row, message, item.seconds) for row in rows]


def _held_up(row: TaskRow, error: psycopg.Error | None = None) -> TaskRow:
    """Something that passes is in the way of this outcome; None: of another one of its run."""
    if error is not None:
        logs.held_up(row, str(from_psycopg(error)))
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


def _give_up(row: TaskRow, error: psycopg.Error) -> TaskRow:
    """Nothing we could send would be accepted; the task is recovered once its timeout is over."""
    logs.unreported(row, str(from_psycopg(error)))
    return row._replace(outcome="unreported")
