"""Performing one task: arguments, handler, check of the result; for transactional steps the commit too."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from pgflow_runtime.database.refusals import is_lost, passes
from pgflow_runtime.dsl.again import Again
from pgflow_runtime.worker.protocol.failure import describe
from pgflow_runtime.worker.protocol.outcome import Completed, Lost, Outcome, RoundEnded, failed
from pgflow_runtime.worker.protocol.statements import BEFORE_COMMIT, COMPLETE
from pgflow_runtime.worker.tasks.completion import (
    NotStored,
    completion,
    demand_stored,
    milliseconds,
    not_stored,
    span_of,
    stored,
    traced,
)
from pgflow_runtime.worker.tasks.lost_connections import is_loss
from pgflow_runtime.worker.tasks.task import Task


async def aperform(task: Task) -> Outcome:
    """Run the handler. Every exception is the task's failure, SystemExit and a cancellation included."""
    try:
        if task.env.tracing is None:
            return await _perform(task)
        with span_of(task, task.env.tracing) as span:
            return traced(span, task, await _perform(task))
    except BaseException as error:  # of a tracer, or of giving a connection back
        return failed(task.row, error, task.seconds)


async def _perform(task: Task) -> Outcome:
    run = _in_transaction if task.step.is_transactional else _plainly
    try:
        return await run(task)
    except BaseException as error:
        await task.asettle(keep=False)
        return failed(task.row, error, task.seconds)


async def _call(task: Task) -> Any:
    """What the handler returns."""
    if task.step.wants_flow_input:  # async only: fetched now where the claim did not bring it
        await task.aflow_input()  # async only
    if task.step.wants_others:  # async only: likewise
        await task.fetch_others()  # async only
    positional, named = task.step.arguments(task)
    try:
        value = await task.step.handler(*positional, **named)
    except BaseException as error:
        task.env.leave_fork(error)
        raise
    task.env.leave_fork()
    return value


async def _plainly(task: Task) -> Outcome:
    value = await _call(task)
    if task.step.is_loop and isinstance(value, Again):
        state = task.step.state(value.state, task.env.config.max_output_bytes)
        await task.asettle(keep=True)
        return RoundEnded(task.row, state, milliseconds(value.after), task.seconds)
    output = task.step.output(value, task.env.config.max_output_bytes)
    await task.asettle(keep=True)
    return Completed(task.row, output, task.seconds)


async def _in_transaction(task: Task) -> Outcome:
    connection: AsyncConnection[Any] | None = None
    output: str | None = None
    try:
        connection = await task.aconn()
        async with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            value = await _call(task)
            output = task.step.output(value, task.env.config.max_output_bytes)
            await cursor.execute(BEFORE_COMMIT, (task.milliseconds_left,))
            await cursor.execute(COMPLETE, completion(task.row, output))
            demand_stored(await cursor.fetchall(), output)
    except NotStored as refusal:
        return not_stored(task, refusal)
    except Exception as error:
        if not is_loss(error, connection) and (output is None or not passes(error)):
            raise
        if connection is not None and is_lost(error):
            await connection.close()
        return Lost(task.row, describe(error), task.seconds)
    finally:
        await task.asettle(keep=False)  # committed above, or rolled back
    return stored(task, output)
