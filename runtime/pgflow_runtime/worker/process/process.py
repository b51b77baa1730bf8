"""One worker process: it starts, works, hears what its parts report, and stops in an orderly way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.dsl.resource import close_resources
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.registry import RegisteredFlow
from pgflow_runtime.worker.dispatch.wakeup import listen
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.process.leaving import reasons
from pgflow_runtime.worker.process.parts import Parts, put_together
from pgflow_runtime.worker.process.reconcile import reconcile
from pgflow_runtime.worker.process.startup import bind, check_database, register
from pgflow_runtime.worker.process.stopping import Stopping
from pgflow_runtime.worker.protocol.rows import Fence
from pgflow_runtime.worker.states import Lifecycle, State
from pgflow_runtime.worker.tasks.slots import AllSlotsStuck
from pgflow_runtime.worker_config import WorkerConfig
from pgflow_shared.text import counted, listed

T = TypeVar("T")


class Process:
    """A worker in this process. ``serve`` runs it, once; ``stop`` asks it to end."""

    def __init__(self, flows: Sequence[RegisteredFlow], conninfo: str, config: WorkerConfig) -> None:
        self._conninfo = conninfo
        self._config = config
        self._flows = bind(flows, config)
        self._lifecycle = Lifecycle()
        self._shutdown = Shutdown()
        self._stop = asyncio.Event()
        self._failure: PgflowError | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reconciling: asyncio.Task[None] | None = None
        self.is_running = asyncio.Event()
        """Set once tasks can be taken."""

    @property
    def state(self) -> State:
        return self._lifecycle.state

    @property
    def health_port(self) -> int:
        """The port that health is served on; 0: none."""
        return self._parts.health.port if self._parts.health is not None else 0

    @property
    def is_lingering(self) -> bool:
        """Whether handlers go on although the worker has stopped: only the process's end will end them."""
        return self.state is State.STOPPED and self._parts.running.has_left_overs

    def stop(self) -> None:
        """Take no new tasks, let running ones end within the time of grace, then stop."""
        self._stop.set()

    async def serve(self) -> None:
        """Work until stopped, deprecated, or unable to go on.

        Raises:
            PgflowError: the worker could not start, or could not go on (``AllSlotsStuck``, a database
                without the core...).
        """
        self._lifecycle.move(State.STARTING)
        self._loop = asyncio.get_running_loop()
        self._parts: Parts = put_together(self._flows, self._conninfo, self._config, self._shutdown, self)
        self._stopping = Stopping(self._parts, self._flows)
        try:
            if await self._has_started():
                self._lifecycle.move(State.RUNNING)
                self.is_running.set()
                self._log_state("serving %s as %s", self._slugs(), self._config.name)
                elsewhere = self._flows.started_elsewhere
                if elsewhere:
                    logger.info("steps start runs of %s: those need a worker of theirs", listed(elsewhere))
                await self._stop.wait()
        finally:
            await self._end()
        if self._failure is not None:
            raise self._failure

    # -- the beginning

    async def _has_started(self) -> bool:
        """Start, however long the database is away; False when the worker was stopped meanwhile."""
        starting = self._loop.create_task(self._start())
        stopped = self._loop.create_task(self._stop.wait())
        try:
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                self._parts.connections[0].give_up()
                starting.cancel()
                await asyncio.wait({starting})
                return False
            await starting
        finally:
            for task in (starting, stopped):
                task.cancel()
        return True

    async def _start(self) -> None:
        parts, first = self._parts, self._parts.connections[0]
        if parts.health is not None:
            parts.health.start()
        await first.open()
        await check_database(first, self._flows)
        for elsewhere in parts.elsewhere.values():
            await elsewhere.open()
        await register(first, self._flows, self._config)
        parts.heartbeat.start()
        parts.maintenance.start()
        for connection in parts.connections:
            self._spawn(parts.engine.dispatch(connection))
        self._spawn(parts.running.watch())
        for reason in reasons(self._config, parts):
            self._spawn(self._leave(reason))
        if not self._config.poll_only:
            look = parts.heartbeat.beat_soon
            self._spawn(listen(self._conninfo, self._flows, parts.idle, parts.engine.wake, look))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        """A part of the worker ended; by an error means that the whole cannot go on."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if not isinstance(error, PgflowError):
            logger.error("worker crashed", exc_info=error)
            error = PgflowError(f"worker crashed: {type(error).__name__}: {error}")
        self._fail(error)

    def _fail(self, error: PgflowError) -> None:
        self._failure = self._failure or error
        self._parts.engine.stop_reading()
        self._stop.set()

    # -- what the parts report

    def deprecated(self, worker_ids: list[str]) -> None:
        """From the heartbeat's thread."""
        self._from_thread(self._deprecate, worker_ids)

    def open_fences(self) -> Sequence[Fence]:
        """From the heartbeat's thread."""
        return self._parts.running.open_fences

    def cancelled(self, lost: list[tuple[Fence, str]]) -> None:
        """From the heartbeat's thread."""
        self._from_thread(self._parts.running.cancel, lost)

    def recovered(self, count: int) -> None:
        """From the maintenance's thread."""
        self._from_thread(self._recovered, count)

    def all_stuck(self) -> None:
        self._fail(AllSlotsStuck())

    def lost(self) -> None:
        """A call was repeated after a lost connection."""
        if self._reconciling is None or self._reconciling.done():
            self._reconciling = self._loop.create_task(self._reconcile())

    def _from_thread(self, call: Callable[[T], None], argument: T) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the worker has ended
            self._loop.call_soon_threadsafe(call, argument)

    def _deprecate(self, worker_ids: list[str]) -> None:
        for flow in self._flows.active:
            if flow.worker_id in worker_ids:
                flow.is_deprecated = True
                logger.info("flow %s is deprecated here: no new tasks", flow.slug)
        if not self._flows.active and self.state is State.RUNNING:
            self._lifecycle.move(State.DEPRECATED)
            self._parts.engine.stop_reading()
            self._spawn(self._retire())

    async def _leave(self, reason: Coroutine[Any, Any, str]) -> None:
        """Once there is a reason to end: take nothing more, and end when what runs has ended."""
        logger.info("%s: no new tasks", await reason)
        self._parts.engine.stop_reading()
        await self._retire()

    async def _retire(self) -> None:
        await self._stopping.drain(None)
        self._stop.set()

    def _recovered(self, count: int) -> None:
        logger.info("released %s", counted(count, "stalled task"))
        self._parts.engine.wake()

    async def _reconcile(self) -> None:
        try:
            await reconcile(self._parts.connections, self._parts.engine, self._parts.core_calls)
        except Exception as error:
            logger.warning("tasks whose claim was lost are left to recovery: %s", error)

    # -- the end

    async def _end(self) -> None:
        """Let handlers finish, report what ended, release the rest, deregister."""
        self._lifecycle.move(State.STOPPING)
        self._shutdown.set()
        self._parts.engine.stop_reading()
        left = await self._stopping.finish_tasks(self._config.grace_seconds)
        await self._stopping.cancel([*self._tasks, *([self._reconciling] if self._reconciling else [])])
        if self.is_running.is_set():
            await self._stopping.deregister(left)
        await self._stopping.close()
        await close_resources()
        self._lifecycle.move(State.STOPPED)
        if self.is_running.is_set():
            self._log_state("stopped %s", self._slugs())

    def _log_state(self, text: str, *values: str) -> None:
        logger.info(text, *values, extra={"pgflow_event": {"state": str(self.state)}})

    def _slugs(self) -> str:
        return ", ".join(flow.slug for flow in self._flows.all)
