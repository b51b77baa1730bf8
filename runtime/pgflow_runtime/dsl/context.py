"""What a handler learns about the task it works on: ``Context`` and the small values it carries."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID

from pgflow_runtime.errors import TaskCancelled, UsageError
from pgflow_runtime.loggers import lasting
from pgflow_runtime.worker_config import WorkerConfig

if TYPE_CHECKING:
    import asyncio

    from psycopg import AsyncConnection, Connection

    from pgflow_runtime.dsl.jsontypes import JsonValue

logger = lasting("pgflow.handler")


@dataclass(frozen=True, slots=True)
class StepTask:
    """The task at hand. ``attempt`` counts from 1, ``task_index`` from 0 (0 unless the step is a map)."""

    flow_slug: str
    run_id: UUID
    step_slug: str
    task_index: int = 0
    attempt: int = 1
    msg_id: int = 0

    @property
    def ids(self) -> dict[str, str | int]:
        """The identifiers log lines carry."""
        return {
            "flow": self.flow_slug,
            "run": str(self.run_id),
            "step": self.step_slug,
            "task": self.task_index,
            "attempt": self.attempt,
        }


class HandlerEvent:
    """Something that a handler may look at or wait for. Safe to use from threads and from the event loop."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.Lock()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block a sync handler until it is set, ``timeout`` seconds at most; True when it was."""
        return self._event.wait(timeout)

    async def wait_async(self) -> None:
        """Suspend an async handler until it is set."""
        import asyncio  # here, so that importing a flow module stays light

        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            if self._event.is_set():
                return
            self._waiters.add(waiter)
        try:
            await event.wait()
        finally:
            with self._lock:
                self._waiters.discard(waiter)

    def set(self) -> None:
        """Tell everyone; called by the worker."""
        with self._lock:
            self._event.set()
            waiters = list(self._waiters)
        for loop, event in waiters:
            loop.call_soon_threadsafe(event.set)


class Shutdown(HandlerEvent):
    """Set when the worker was asked to stop: a long handler looks at it and ends early."""


class Cancellation(HandlerEvent):
    """Set when the task counts no more: its run was cancelled or has failed, or its step was skipped."""

    reason: str | None = None
    """Why, in words, once it is set."""


class Resources(Protocol):
    """Where a context gets what it does not bring along; the worker's and the tests' versions differ."""

    def cancelled(self) -> Cancellation: ...
    def flow_input(self) -> Any: ...
    async def aflow_input(self) -> Any: ...
    def conn(self) -> Connection[Any]: ...
    async def aconn(self) -> AsyncConnection[Any]: ...
    def client(self, name: str) -> Any:
        """What stands in for a preset's client of that name, an attribute of its context; None: nothing."""
        ...


class TaskLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records carry the task's identifiers, as ``record.pgflow``."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        kwargs["extra"] = {**(kwargs.get("extra") or {}), "pgflow": self.extra}
        return msg, kwargs


class Context:
    """What a handler learns about its task; ask for it with a parameter annotated ``Context``.

    Attributes:
        env: the process's environment at the worker's start (read-only).
        shutdown: set when the worker was asked to stop.
        step_task: flow_slug, run_id, step_slug, task_index, attempt, msg_id.
        worker_config: the worker's options (frozen).
        trace_context: the run's trace as its propagator wrote it, such as ``traceparent``; empty when the run
            was started without one.
    """

    def __init__(
        self,
        step_task: StepTask,
        *,
        env: Mapping[str, str],
        shutdown: Shutdown,
        worker_config: WorkerConfig,
        resources: Resources,
        trace_context: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.step_task = step_task
        self.env = env
        self.shutdown = shutdown
        self.worker_config = worker_config
        self.trace_context = trace_context
        self._resources = resources

    @cached_property
    def log(self) -> TaskLogger:
        """A logger whose lines carry the task's identifiers."""
        return TaskLogger(logger, self.step_task.ids)

    @property
    def cancelled(self) -> Cancellation:
        """Set when the task counts no more. An async handler is cancelled then; a sync one has to look."""
        return self._resources.cancelled()

    def check_cancelled(self) -> None:
        """Raise where the task counts no more: for long sync handlers, now and then.

        Raises:
            TaskCancelled: its run was cancelled or has failed, or its step was skipped.
        """
        event = self.cancelled
        if event.is_set():
            raise TaskCancelled(event.reason)

    @property
    def raw_message(self) -> Mapping[str, JsonValue]:
        """The body of the task's queue message (specification/core.md, "Messages")."""
        task = self.step_task
        return {
            "flow_slug": task.flow_slug,
            "run_id": str(task.run_id),
            "step_slug": task.step_slug,
            "task_index": task.task_index,
        }

    def flow_input(self) -> Any:
        """The run's input. Fetched once per run when the task did not bring it along.

        Raises:
            UsageError: it would have to be fetched, and the handler is async: ``await ctx.aflow_input()``.
        """
        return self._resources.flow_input()

    async def aflow_input(self) -> Any:
        """The run's input, for async handlers."""
        return await self._resources.aflow_input()

    def conn(self) -> Connection[Any]:
        """A connection for a sync handler, the same one for the whole task.

        It is committed when the handler returns and rolled back when it raises. In a transactional step the
        task's completion is part of that transaction.

        Raises:
            UsageError: the handler is async: ``await ctx.aconn()``.
        """
        return self._resources.conn()

    async def aconn(self) -> AsyncConnection[Any]:
        """A connection for an async handler; otherwise like ``conn``.

        Raises:
            UsageError: the handler is sync: ``ctx.conn()``.
        """
        return await self._resources.aconn()

    @classmethod
    def for_test(
        cls,
        *,
        step_task: StepTask | None = None,
        attempt: int = 1,
        flow_input: JsonValue = None,
        conn: Connection[Any] | None = None,
        aconn: AsyncConnection[Any] | None = None,
        env: Mapping[str, str] | None = None,
        shutdown: Shutdown | None = None,
        worker_config: WorkerConfig | None = None,
        trace_context: Mapping[str, str] | None = None,
        cancelled: Cancellation | None = None,
    ) -> Context:
        """A context for calling a handler directly in a unit test: ``fetch(url, Context.for_test())``."""
        resources = GivenResources(flow_input, conn, aconn, cancelled or Cancellation())
        return cls._of_test(step_task, attempt, env, shutdown, worker_config, trace_context, resources)

    @classmethod
    def _of_test(
        cls,
        step_task: StepTask | None,
        attempt: int,
        env: Mapping[str, str] | None,
        shutdown: Shutdown | None,
        worker_config: WorkerConfig | None,
        trace_context: Mapping[str, str] | None,
        resources: GivenResources,
    ) -> Self:
        """With what stands for all that a test does not give."""
        return cls(
            step_task or StepTask("test", UUID(int=0), "test", attempt=attempt),
            env=MappingProxyType(dict(os.environ if env is None else env)),
            shutdown=shutdown or Shutdown(),
            worker_config=worker_config or WorkerConfig(),
            resources=resources,
            trace_context=MappingProxyType(dict(trace_context or {})),
        )


@dataclass(frozen=True)
class GivenResources:
    """The resources of a test: what it handed in."""

    input: JsonValue
    connection: Connection[Any] | None = field(default=None)
    async_connection: AsyncConnection[Any] | None = field(default=None)
    cancellation: Cancellation = field(default_factory=Cancellation)
    clients: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def cancelled(self) -> Cancellation:
        return self.cancellation

    def flow_input(self) -> Any:
        return self.input

    async def aflow_input(self) -> Any:
        return self.input

    def conn(self) -> Connection[Any]:
        if self.connection is None:
            raise UsageError("this test context has no connection: Context.for_test(conn=...)")
        return self.connection

    async def aconn(self) -> AsyncConnection[Any]:
        if self.async_connection is None:
            raise UsageError("this test context has no async connection: Context.for_test(aconn=...)")
        return self.async_connection

    def client(self, name: str) -> Any:
        given = self.clients.get(name)
        if given is None:
            raise UsageError(f"this test context has no such client: Context.for_test({name}=...)")
        return given
