"""Performing one task: arguments, handler, check of the result; for transactional steps the commit too."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.rows import tuple_row

from pgflow_runtime.database.arrays import fences, texts
from pgflow_runtime.database.refusals import is_lost, passes
from pgflow_runtime.telemetry import Attempt, Tracing
from pgflow_runtime.worker.protocol.failure import describe
from pgflow_runtime.worker.protocol.outcome import (
    Completed,
    Failed,
    Lost,
    Outcome,
    Refused,
    Stored,
    failed,
    timed_out,
)
from pgflow_runtime.worker.protocol.rows import TaskRow, task_rows
from pgflow_runtime.worker.protocol.statements import BEFORE_COMMIT, COMPLETE
from pgflow_runtime.worker.tasks.lost_connections import is_loss
from pgflow_runtime.worker.tasks.task import Task


def perform(task: Task) -> Outcome:
    """Run a sync handler, in its thread. Every exception, SystemExit included, is the task's failure."""
    try:
        if task.env.tracing is None:
            return _perform(task)
        with _span(task, task.env.tracing) as span:
            return _note(span, task, _perform(task))
    except BaseException as error:  # of a tracer, or of giving a connection back
        return failed(task.row, error, task.seconds)


async def aperform(task: Task) -> Outcome:
    """Run an async handler. Being cancelled is a failure too; whoever cancelled knows better."""
    try:
        if task.env.tracing is None:
            return await _aperform(task)
        with _span(task, task.env.tracing) as span:
            return _note(span, task, await _aperform(task))
    except BaseException as error:
        return failed(task.row, error, task.seconds)


def _span(task: Task, tracing: Tracing) -> AbstractContextManager[Attempt]:
    row = task.row
    ids: dict[str, str | int] = {
        "messaging.destination.name": row.flow_slug,
        "messaging.message.id": str(row.msg_id),
        "pgflow.run_id": row.run_id,
        "pgflow.step_slug": row.step_slug,
        "pgflow.task_index": row.task_index,
        "pgflow.attempt": row.attempt,
    }
    return tracing.attempt(task.trace_context, f"{row.flow_slug}.{row.step_slug}", ids)


def _note(span: Attempt, task: Task, outcome: Outcome) -> Outcome:
    if task.ending == "timeout":
        span.failed(timed_out(task.row, task.seconds).message)
    elif isinstance(outcome, Lost) or (isinstance(outcome, Failed) and outcome.retry_after is None):
        span.failed(outcome.message)
    elif isinstance(outcome, Refused):
        span.failed(f"Stale: {outcome.reason or 'the core refused the result'}; its writes were rolled back")
    return outcome


def _perform(task: Task) -> Outcome:
    run = _in_transaction if task.step.is_transactional else _plainly
    try:
        return run(task)
    except BaseException as error:
        task.settle(keep=False)
        return failed(task.row, error, task.seconds)


async def _aperform(task: Task) -> Outcome:
    run = _ain_transaction if task.step.is_transactional else _aplainly
    try:
        return await run(task)
    except BaseException as error:
        await task.asettle(keep=False)
        return failed(task.row, error, task.seconds)


def _call(task: Task) -> str:
    positional, named = task.step.arguments(task)
    try:
        value = task.step.handler(*positional, **named)
    except BaseException as error:
        task.env.leave_fork(error)
        raise
    task.env.leave_fork()
    return task.step.output(value, task.env.config.max_output_bytes)


async def _acall(task: Task) -> str:
    if task.step.wants_flow_input:
        await task.aflow_input()  # fetched now where the claim did not bring it
    positional, named = task.step.arguments(task)
    try:
        value = await task.step.handler(*positional, **named)
    except BaseException as error:
        task.env.leave_fork(error)
        raise
    task.env.leave_fork()
    return task.step.output(value, task.env.config.max_output_bytes)


def _plainly(task: Task) -> Outcome:
    output = _call(task)
    task.settle(keep=True)
    return Completed(task.row, output, task.seconds)


async def _aplainly(task: Task) -> Outcome:
    output = await _acall(task)
    await task.asettle(keep=True)
    return Completed(task.row, output, task.seconds)


class _NotStored(Exception):
    """The core did not store the completion; raised to roll the handler's writes back."""

    def __init__(self, row: TaskRow, output: str) -> None:
        self.row = row
        self.output = output


def _in_transaction(task: Task) -> Outcome:
    connection: Connection[Any] | None = None
    output: str | None = None
    try:
        connection = task.conn()
        with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            output = _call(task)
            cursor.execute(BEFORE_COMMIT, (task.milliseconds_left,))
            cursor.execute(COMPLETE, _completion(task.row, output))
            _demand_stored(cursor.fetchall(), output)
    except _NotStored as refusal:
        return _not_stored(task, refusal)
    except Exception as error:
        if not is_loss(error, connection) and (output is None or not passes(error)):
            raise
        if connection is not None and is_lost(error):
            connection.close()
        return Lost(task.row, describe(error), task.seconds)
    finally:
        task.settle(keep=False)  # committed above, or rolled back
    return _stored(task, output)


async def _ain_transaction(task: Task) -> Outcome:
    connection: AsyncConnection[Any] | None = None
    output: str | None = None
    try:
        connection = await task.aconn()
        async with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            output = await _acall(task)
            await cursor.execute(BEFORE_COMMIT, (task.milliseconds_left,))
            await cursor.execute(COMPLETE, _completion(task.row, output))
            _demand_stored(await cursor.fetchall(), output)
    except _NotStored as refusal:
        return _not_stored(task, refusal)
    except Exception as error:
        if not is_loss(error, connection) and (output is None or not passes(error)):
            raise
        if connection is not None and is_lost(error):
            await connection.close()
        return Lost(task.row, describe(error), task.seconds)
    finally:
        await task.asettle(keep=False)
    return _stored(task, output)


def _completion(row: TaskRow, output: str) -> tuple[Any, ...]:
    return (*fences([row.fence]), texts([output]), 0, "{}")


def _demand_stored(rows: list[tuple[Any, ...]], output: str) -> None:
    for row in task_rows(rows):
        raise _NotStored(row, output)


def _stored(task: Task, output: str | None) -> Outcome:
    """Stored, unless the handler raised ``psycopg.Rollback``, which ends a transaction without a word."""
    if output is None:
        return Failed(task.row, "Rollback: the handler rolled its transaction back", task.seconds)
    return Stored(task.row, task.seconds)


def _not_stored(task: Task, refusal: _NotStored) -> Outcome:
    """Stale: nothing to do. A type violation was rolled back with the writes: report it by itself."""
    if refusal.row.outcome == "stale":
        return Refused(task.row, task.seconds, refusal.row.why_cancelled)
    return Completed(task.row, refusal.output, task.seconds)
