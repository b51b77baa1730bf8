"""One worker process: puts the parts together, works, and stops in an orderly way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

import psycopg

from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.registry import RegisteredFlow
from pgflow_runtime.worker.dispatch.engine import Engine
from pgflow_runtime.worker.dispatch.exchange import Exchange
from pgflow_runtime.worker.dispatch.idle import Idle
from pgflow_runtime.worker.dispatch.link import Link
from pgflow_runtime.worker.dispatch.observer import Observer, as_one
from pgflow_runtime.worker.dispatch.wakeup import listen
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.maintenance.duties import Duties, Duty
from pgflow_runtime.worker.maintenance.heartbeat import Heartbeat
from pgflow_runtime.worker.maintenance.queue_depth import QueueDepth
from pgflow_runtime.worker.maintenance.recovery import Recovery
from pgflow_runtime.worker.maintenance.release import Release
from pgflow_runtime.worker.maintenance.retention import Retention
from pgflow_runtime.worker.monitoring.health import Health, Patient
from pgflow_runtime.worker.monitoring.metrics import Metrics
from pgflow_runtime.worker.monitoring.observed import ObservedExchange
from pgflow_runtime.worker.monitoring.otel_metrics import otel_observers
from pgflow_runtime.worker.process.reconcile import reconcile
from pgflow_runtime.worker.process.startup import bind, check_database, make_workplace, register
from pgflow_runtime.worker.protocol.rows import Fence
from pgflow_runtime.worker.protocol.statements import RUN_INPUT, STOPPED, WITHDRAW
from pgflow_runtime.worker.states import Lifecycle, State
from pgflow_runtime.worker.tasks.executor import Executor
from pgflow_runtime.worker.tasks.inputs import RunInputs
from pgflow_runtime.worker.tasks.slots import AllSlotsStuck, Slots
from pgflow_runtime.worker_config import WorkerConfig

FAREWELL = 5.0
"""Seconds a stopping worker tries to reach a lost database before it leaves results to recovery."""


class Process:
    """A worker in this process. ``serve`` runs it, once; ``stop`` asks it to end."""

    def __init__(self, flows: Sequence[RegisteredFlow], conninfo: str, config: WorkerConfig) -> None:
        self._conninfo = conninfo
        self._config = config
        self._flows = bind(flows)
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
    def is_lingering(self) -> bool:
        """Whether handlers go on although the worker has stopped: only the process's end will end them."""
        return self._executor.has_left_overs if self.state is State.STOPPED and self._built else False

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
        self._build()
        try:
            if await self._has_started():
                self._lifecycle.move(State.RUNNING)
                self.is_running.set()
                logger.info("serving %s as %s", self._slugs(), self._config.name)
                await self._stop.wait()
        finally:
            await self._end()
        if self._failure is not None:
            raise self._failure

    _built = False
    _is_cut_off = False

    def _build(self) -> None:
        config, loop = self._config, asyncio.get_running_loop()
        prepare = not config.poll_only
        self._loop = loop
        self._slots = Slots(config.max_concurrent)
        self._idle = Idle(config)
        metrics = Metrics() if config.health_port is not None else None
        observer = as_one([*([] if metrics is None else [metrics]), *otel_observers(self._slots)])
        self._exchange = self._make_exchange(observer)
        lanes = max(1, config.max_pg_connections - 2)  # one more for the heartbeat, one for what handlers ask
        self._engine = Engine(self._flows, self._exchange, self._slots, self._idle, config.batch_size, lanes)
        self._inputs = RunInputs(self._fetch_input, loop)
        place = make_workplace(self._conninfo, config, self._flows, self._shutdown, self._inputs)
        self._connections = place.connections
        self._executor = Executor(self._slots, place, self._engine.emit, self._all_stuck)
        self._engine.executor = self._executor
        self._engine.observer = observer
        self._lanes = [Link(self._conninfo, prepare=prepare, on_loss=self._lost) for _ in range(lanes)]
        spare = config.max_pg_connections > 2
        self._service = Link(self._conninfo, prepare=prepare) if spare else self._lanes[0]
        depth = QueueDepth(self._flows)
        self._heartbeat = Heartbeat(self._conninfo, self._flows, config.name, self, prepare=prepare)
        self._maintenance = Duties(self._conninfo, self._duties(depth), prepare=prepare)
        self._health = None if metrics is None else self._make_health(metrics, depth)
        self._built = True

    def _duties(self, depth: QueueDepth) -> list[Duty]:
        retention = [Retention(self._config.keep)] if self._config.keep is not None else []
        return [Recovery(self.recovered), Release(), *retention, depth]

    def _make_exchange(self, observer: Observer | None) -> Exchange:
        settings = (self._flows, self._config.name, self._config.visibility_timeout)
        return Exchange(*settings) if observer is None else ObservedExchange(*settings, observer)

    def _make_health(self, metrics: Metrics, depth: QueueDepth) -> Health:
        return Health(
            Patient(
                config=self._config,
                state=lambda: self.state,
                loop=self._loop,
                slots=self._slots,
                waiting=lambda: self._engine.waiting_count,
                heartbeat=self._heartbeat,
                flows=self._flows,
                depth=depth,
                metrics=metrics,
            )
        )

    # -- the beginning

    async def _has_started(self) -> bool:
        """Start, however long the database is away; False when the worker was stopped meanwhile."""
        starting = self._loop.create_task(self._start())
        stopped = self._loop.create_task(self._stop.wait())
        try:
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                self._lanes[0].give_up()
                starting.cancel()
                await asyncio.wait({starting})
                return False
            await starting
        finally:
            for task in (starting, stopped):
                task.cancel()
        return True

    async def _start(self) -> None:
        if self._health is not None:
            self._health.start()
        await self._lanes[0].open()
        await check_database(self._lanes[0], self._flows)
        await register(self._lanes[0], self._flows, self._config.name)
        self._heartbeat.start()
        self._maintenance.start()
        for lane in self._lanes:
            self._spawn(self._engine.lane(lane))
        self._spawn(self._executor.watch())
        if not self._config.poll_only:
            self._spawn(listen(self._conninfo, self._flows, self._idle, self._engine.wake))

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
            logger.error("the worker fails", exc_info=error)
            error = PgflowError(f"the worker fails: {type(error).__name__}: {error}")
        self._fail(error)

    def _fail(self, error: PgflowError) -> None:
        self._failure = self._failure or error
        self._engine.stop_reading()
        self._stop.set()

    # -- what the parts report

    def deprecated(self, worker_ids: list[str]) -> None:
        """From the heartbeat's thread."""
        self._from_thread(self._deprecate, worker_ids)

    def recovered(self, count: int) -> None:
        """From the maintenance's thread."""
        self._from_thread(self._recovered, count)

    def _from_thread(self, call: Any, argument: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the worker has ended
            self._loop.call_soon_threadsafe(call, argument)

    def _deprecate(self, worker_ids: list[str]) -> None:
        for flow in self._flows.active:
            if flow.worker_id in worker_ids:
                flow.is_deprecated = True
                logger.info("flow %s is deprecated here: no new tasks", flow.slug)
        if not self._flows.active and self.state is State.RUNNING:
            self._lifecycle.move(State.DEPRECATED)
            self._engine.stop_reading()
            self._spawn(self._retire())

    async def _retire(self) -> None:
        await self._drain(None)
        self._stop.set()

    def _recovered(self, count: int) -> None:
        logger.info("gave %s stalled tasks back to their queues", count)
        self._engine.wake()

    def _all_stuck(self) -> None:
        self._fail(AllSlotsStuck())

    def _lost(self) -> None:
        """A call was repeated after a lost connection."""
        if self._reconciling is None or self._reconciling.done():
            self._reconciling = self._loop.create_task(self._reconcile())

    async def _reconcile(self) -> None:
        try:
            await reconcile(self._lanes, self._engine, self._executor, self._exchange)
        except Exception as error:
            logger.warning("tasks whose claim was lost are left to recovery: %s", error)

    async def _fetch_input(self, run_id: str) -> str:
        rows = await self._service.call(RUN_INPUT, (run_id,))
        if rows[0][0] is None:
            raise PgflowError(f"run {run_id} is gone")
        return str(rows[0][0])

    # -- the end

    async def _end(self) -> None:
        """Let handlers finish, report what ended, give back the rest, say goodbye."""
        self._lifecycle.move(State.STOPPING)
        self._shutdown.set()
        self._engine.stop_reading()
        left: list[Fence] = []
        if not await self._drain(self._config.grace_seconds):
            left += await self._abandon()
        await self._settle()
        left += await self._abandon()  # what a call under way still brought
        if not self._is_cut_off:
            await self._settled()  # and what has ended of it, or while others were cancelled
        await self._cancel_parts()
        if self.is_running.is_set():
            await self._say_goodbye(left)
        self._executor.close()
        await self._connections.close()
        for link in {*self._lanes, self._service}:
            await link.close()
        if self._health is not None:
            self._health.stop()
        self._lifecycle.move(State.STOPPED)
        if self.is_running.is_set():
            logger.info("stopped %s", self._slugs())

    async def _abandon(self) -> list[Fence]:
        left = await self._executor.abandon()
        await self._inputs.close()
        return left

    async def _drain(self, seconds: float | None) -> bool:
        """Wait until no handler runs and none can be handed over any more; whether that came true in time."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._executor.empty.wait()
                    if not await self._settled() or self._executor.empty.is_set():
                        return True
        except TimeoutError:
            return False

    async def _settled(self) -> bool:
        """Wait until what ended is reported; False when the database cannot be reached for some seconds."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self._engine.settled.wait()
        except TimeoutError:
            self._is_cut_off = True
            return False
        return True

    async def _settle(self) -> None:
        """Report what waits; after some seconds without a database leave it to recovery."""
        if not self._is_cut_off and await self._settled():
            return
        for link in {*self._lanes, self._service}:
            link.give_up()
        self._engine.drop_held()
        await self._settled()

    async def _cancel_parts(self) -> None:
        parts = list(self._tasks) + ([self._reconciling] if self._reconciling else [])
        for task in parts:
            task.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        self._heartbeat.stop()
        self._maintenance.stop()

    async def _say_goodbye(self, left: list[Fence]) -> None:
        link = self._lanes[0]
        self._loop.call_later(FAREWELL, link.give_up)
        try:
            if left:
                async with link.lock:
                    count = await self._exchange.release(link, left)
                logger.info("gave %s running tasks back to their queues", count)
            await link.call(WITHDRAW, (self._flows.worker_ids,))
            await link.call(STOPPED, (self._flows.worker_ids,))
        except (psycopg.Error, PgflowError) as error:
            logger.warning("could not take leave of the database: %s", error)

    def _slugs(self) -> str:
        return ", ".join(flow.slug for flow in self._flows.all)
