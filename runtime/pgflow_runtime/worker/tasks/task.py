"""A task a worker works on: its row, its handler, and what the handler's context needs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from pgflow_runtime import forks
from pgflow_runtime.dsl.context import Cancellation, Context, Shutdown, StepTask
from pgflow_runtime.errors import UsageError
from pgflow_runtime.telemetry import Tracing, carrier_of
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.connections import HandlerConnections
from pgflow_runtime.worker.tasks.inputs import RunInputs
from pgflow_runtime.worker_config import WorkerConfig

if TYPE_CHECKING:
    import asyncio

    from psycopg import AsyncConnection, Connection


@dataclass(frozen=True)
class TaskEnvironment:
    """What all tasks of a worker share."""

    config: WorkerConfig
    variables: Mapping[str, str]
    """The process's environment."""
    shutdown: Shutdown
    inputs: RunInputs
    connections: HandlerConnections
    tracing: Tracing | None = None
    pid: int = field(default_factory=os.getpid)

    def leave_fork(self, error: BaseException | None = None) -> None:
        """End a child that a handler forked and let return: it must not go on as a second worker."""
        if os.getpid() != self.pid:
            forks.leave(error)

    def demand_own_process(self, what: str) -> None:
        """Refuse a forked child what only the worker's process can give.

        Raises:
            UsageError: this is another process.
        """
        if os.getpid() != self.pid:
            raise UsageError(
                f"{what} in a child process: the worker's connections stay with the worker",
                help="ask before the child begins and hand the values over, or open a connection there",
            )


class Task:
    """A claimed task. ``ending`` says why it is being ended from outside, once it is.

    ``is_reported``: its outcome is settled without its handler, whose late result is discarded.
    """

    __slots__ = (
        "_aconn",
        "_cancelled",
        "_conn",
        "_flow_input",
        "_others",
        "deadline",
        "ending",
        "env",
        "is_reported",
        "is_stuck",
        "job",
        "row",
        "started",
        "step",
        "why",
    )

    def __init__(self, row: TaskRow, step: BoundStep, env: TaskEnvironment) -> None:
        self.row = row
        self.step = step
        self.env = env
        self.started = time.perf_counter()
        self.deadline = self.started + row.timeout
        self.ending: str | None = None
        self.why: str | None = None
        """Of one that was cancelled: what had ended before it; None: it went to another attempt."""
        self._cancelled: Cancellation | None = None
        self.is_reported = False
        self.is_stuck = False
        self.job: asyncio.Task[None] | None = None
        self._flow_input = row.flow_input
        self._others: str | None = None
        self._conn: Connection[Any] | None = None
        self._aconn: AsyncConnection[Any] | None = None

    def cancel(self, why: str | None) -> None:
        """Tell the handler that its task counts no more."""
        self.ending, self.why = "cancelled", why
        if self._cancelled is not None:
            self._cancelled.reason = why
            self._cancelled.set()
        if self.job is not None:
            self.job.cancel()

    @property
    def overdue(self) -> str:
        """What ends it when its deadline has come."""
        return "timeout"

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.perf_counter() - self.started

    @property
    def milliseconds_left(self) -> int:
        """Until its time is over; 1 when it is."""
        return max(1, int((self.deadline - time.perf_counter()) * 1000))

    @property
    def trace_context(self) -> Mapping[str, str]:
        return carrier_of(self.row.trace_context)

    # -- what binding asks for

    def input_text(self) -> str | None:
        return self.row.input

    def state_text(self) -> str | None:
        return self.row.state

    def others_text(self) -> str:
        """What all tasks of a map get; those of async handlers have asked for it before."""
        if self._others is None:
            self._others = self.env.inputs.get_in_thread(self.row.run_id, self.row.step_slug)
        return self._others

    async def fetch_others(self) -> None:
        """Have it at hand, for an async handler."""
        self._others = await self.env.inputs.get(self.row.run_id, self.row.step_slug)

    def context(self) -> Context:
        row = self.row
        return self.step.context_type(
            StepTask(row.flow_slug, UUID(row.run_id), row.step_slug, row.task_index, row.attempt, row.msg_id),
            env=self.env.variables,
            shutdown=self.env.shutdown,
            worker_config=self.env.config,
            resources=self,
            trace_context=self.trace_context,
        )

    # -- what the context asks for

    def cancelled(self) -> Cancellation:
        """Made when it is asked for, in the handler's thread; ``cancel`` may come at the same time."""
        if self._cancelled is None:
            self._cancelled = Cancellation()
            if self.ending == "cancelled":
                self._cancelled.reason = self.why
                self._cancelled.set()
        return self._cancelled

    def flow_input(self) -> Any:
        if self._flow_input is None:
            if self.step.is_async:
                raise UsageError(
                    f"step {self.row.step_slug!r} did not bring the flow's input along",
                    help="write `await ctx.aflow_input()`, or take a parameter flow_input",
                )
            self.env.demand_own_process("ctx.flow_input()")
            self._flow_input = self.env.inputs.get_in_thread(self.row.run_id)
        return self.step.flow_input(self._flow_input)

    async def aflow_input(self) -> Any:
        if self._flow_input is None:
            self.env.demand_own_process("ctx.aflow_input()")
            self._flow_input = await self.env.inputs.get(self.row.run_id)
        return self.step.flow_input(self._flow_input)

    def conn(self) -> Connection[Any]:
        if self.step.is_async:
            raise UsageError(
                f"ctx.conn() would block the event loop: step {self.row.step_slug!r} is async",
                help="write `await ctx.aconn()`",
            )
        self.env.demand_own_process("ctx.conn()")
        if self._conn is None:
            self._conn = self.env.connections.take(self.row.timeout)
        return self._conn

    async def aconn(self) -> AsyncConnection[Any]:
        if not self.step.is_async:
            raise UsageError(
                f"ctx.aconn() is for async handlers: step {self.row.step_slug!r} is sync",
                help="write `ctx.conn()`",
            )
        self.env.demand_own_process("ctx.aconn()")
        if self._aconn is None:
            self._aconn = await self.env.connections.atake(self.row.timeout)
        return self._aconn

    def client(self, name: str) -> Any:
        is_async = name.startswith("a")
        if is_async != self.step.is_async:
            right = f"a{name}" if self.step.is_async else name.removeprefix("a")
            raise UsageError(
                f"ctx.{name} is for {'async' if is_async else 'sync'} handlers:"
                f" step {self.row.step_slug!r} is {'async' if self.step.is_async else 'sync'}",
                help=f"write `ctx.{right}`",
            )
        return self.env.connections.client(name)

    # -- the end of the handler

    def settle(self, *, keep: bool) -> None:
        """Commit or roll back the handler's connection and give it back (in the handler's thread)."""
        connection, self._conn = self._conn, None
        if connection is None:
            return
        try:
            if keep:
                connection.commit()
            else:
                with contextlib.suppress(psycopg.Error):
                    connection.rollback()
        finally:
            self.env.connections.give_back(connection)

    async def asettle(self, *, keep: bool) -> None:
        """The same for an async handler."""
        connection, self._aconn = self._aconn, None
        if connection is None:
            return
        try:
            if keep:
                await connection.commit()
            else:
                with contextlib.suppress(psycopg.Error):
                    await connection.rollback()
        finally:
            await self.env.connections.agive_back(connection)
