"""One attempt at a task, in memory: what a worker does with it, and by the worker's own code."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl import Step
from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.protocol.outcome import Outcome
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.tasks.binding import BoundCompanionStep, BoundStep
from pgflow_runtime.worker.tasks.connections import HandlerConnections
from pgflow_runtime.worker.tasks.perform_async import aperform
from pgflow_runtime.worker.tasks.perform_sync import perform
from pgflow_runtime.worker.tasks.task import Task, TaskEnvironment
from pgflow_runtime.worker.tasks.threads import Threads

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection

CANCEL_GRACE = 2.0
"""Seconds a cancelled coroutine has to clean up."""


class GivenConnections(HandlerConnections):
    """The connections that a test has for its handlers, if any."""

    def __init__(
        self,
        conn: Connection[Any] | None,
        aconn: AsyncConnection[Any] | None,
        clients: Mapping[str, Any] | None = None,
    ) -> None:
        self._conn, self._aconn = conn, aconn
        self._clients = clients or {}
        self.refused = False
        """Whether a handler has asked for one that is not there."""

    def take(self, seconds: int) -> Connection[Any]:
        if self._conn is None:
            self.refused = True
            raise UsageError("this test gives its handlers no connection: run_flow(..., conn=...)")
        return self._conn

    async def atake(self, seconds: int) -> AsyncConnection[Any]:
        if self._aconn is None:
            self.refused = True
            raise UsageError("this test gives its handlers no async connection: run_flow(..., aconn=...)")
        return self._aconn

    def client(self, name: str) -> Any:
        """Never a real one: a test that forgot it, or a recording that is replayed, changes nothing."""
        if self._clients.get(name) is None:
            self.refused = True
            raise UsageError(f"this test gives its handlers no such client: run_flow(..., {name}=...)")
        return self._clients[name]


class MemoryTask(Task):
    """A task whose connection is the test's to commit or to roll back."""

    def settle(self, *, keep: bool) -> None:
        self._conn = None

    async def asettle(self, *, keep: bool) -> None:
        self._aconn = None


async def attempt(row: TaskRow, step: BoundStep, env: TaskEnvironment) -> Outcome | None:
    """Run the handler. None: it did not end within its timeout, in seconds of the clock on the wall."""
    task = MemoryTask(row, step, env)
    return await (_awaited(task) if step.is_async else _in_thread(task))


async def _awaited(task: Task) -> Outcome | None:
    """One that goes on when it is cancelled is left to itself."""
    job = asyncio.ensure_future(aperform(task))
    try:
        done, _ = await asyncio.wait({job}, timeout=task.row.timeout)
        if done:
            return job.result()
    finally:
        job.cancel()
    await asyncio.wait({job}, timeout=CANCEL_GRACE)
    return None


async def _in_thread(task: Task) -> Outcome | None:
    """Nobody can end a thread: it is left to itself."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Outcome] = loop.create_future()
    threads = Threads(1, loop)

    def end(outcome: Outcome) -> None:
        if not ended.done():  # else the test was given up
            ended.set_result(outcome)

    threads.submit(lambda: perform(task), end)
    threads.close()
    await asyncio.wait({ended}, timeout=task.row.timeout)
    return ended.result() if ended.done() else None


def bound(
    flow: FlowContract, step: Step[Any], replaced: Callable[..., Any] | None, *, gives_output: bool = False
) -> BoundStep:
    """The step with its handler, or with what a test has put in its place.

    In memory no step is transactional: there is no completion to be part of a transaction.
    """
    contract = flow.without_subflow(step.slug) if gives_output else flow.steps[step.slug]
    bind = BoundStep if flow.companion_of is None else BoundCompanionStep
    if replaced is None:
        made = bind(flow, contract, step.handler, step.flow.context_type)
    elif contract.is_async or inspect.iscoroutinefunction(replaced):
        made = bind(flow, contract, _awaiting(replaced), step.flow.context_type)
        made.is_async = True
    else:
        made = bind(flow, contract, replaced, step.flow.context_type)
    made.is_transactional = False
    return made


def failing(flow: FlowContract, step: Step[Any], error: BaseException) -> BoundStep:
    """The step with a handler that raises ``error``."""

    def handler(*_args: object, **_named: object) -> object:
        raise error.with_traceback(None)

    return bound(flow, step, handler)


def _awaiting(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def awaiting(*args: Any, **named: Any) -> Any:
        result = handler(*args, **named)
        return await result if inspect.isawaitable(result) else result

    return awaiting
