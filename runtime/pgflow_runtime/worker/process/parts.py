"""The parts of a worker process, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.dispatch.core_calls import CoreCalls
from pgflow_runtime.worker.dispatch.core_connection import CoreConnection
from pgflow_runtime.worker.dispatch.engine import Engine
from pgflow_runtime.worker.dispatch.idle import Idle
from pgflow_runtime.worker.dispatch.observer import Observer, as_one
from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.maintenance.duties import Duties, Duty
from pgflow_runtime.worker.maintenance.heartbeat import Heartbeat
from pgflow_runtime.worker.maintenance.queue_depth import QueueDepth
from pgflow_runtime.worker.maintenance.recovery import Recovery
from pgflow_runtime.worker.maintenance.release import Release
from pgflow_runtime.worker.maintenance.retention import Retention
from pgflow_runtime.worker.maintenance.timers import Timers, after
from pgflow_runtime.worker.monitoring.health import Health, WorkerStatus
from pgflow_runtime.worker.monitoring.metrics import Metrics
from pgflow_runtime.worker.monitoring.observed_calls import ObservedCoreCalls
from pgflow_runtime.worker.monitoring.otel_metrics import otel_observers
from pgflow_runtime.worker.monitoring.restart import Locality
from pgflow_runtime.worker.process.startup import make_task_environment
from pgflow_runtime.worker.protocol.rows import Fence
from pgflow_runtime.worker.protocol.statements import RUN_INPUT, STEP_INPUT
from pgflow_runtime.worker.states import State
from pgflow_runtime.worker.tasks.away import Away
from pgflow_runtime.worker.tasks.connections import HandlerConnections
from pgflow_runtime.worker.tasks.inputs import RunInputs
from pgflow_runtime.worker.tasks.running import Running
from pgflow_runtime.worker.tasks.slots import Slots
from pgflow_runtime.worker_config import WorkerConfig

if TYPE_CHECKING:
    from pgflow_runtime.worker.executors.base import Elsewhere


class Owner(Protocol):
    """Whom the parts report to."""

    @property
    def state(self) -> State: ...

    def deprecated(self, worker_ids: list[str]) -> None:
        """From the heartbeat's thread."""

    def open_fences(self) -> Sequence[Fence]:
        """The attempts that handlers are at; from the heartbeat's thread."""
        ...

    def cancelled(self, lost: list[tuple[Fence, str]]) -> None:
        """Attempts that count no more, with the core's reasons; from the heartbeat's thread."""

    def recovered(self, count: int) -> None:
        """From the maintenance's thread."""

    def all_stuck(self) -> None:
        """No slot will ever be free again."""

    def lost(self) -> None:
        """A call was repeated after a lost connection."""


@dataclass(frozen=True)
class Parts:
    idle: Idle
    slots: Slots
    core_calls: CoreCalls
    engine: Engine
    inputs: RunInputs
    handler_connections: HandlerConnections
    connections: Sequence[CoreConnection]
    """One for each dispatcher."""
    service: CoreConnection
    """For what handlers ask; a dispatcher's where no other may be opened."""
    heartbeat: Heartbeat
    maintenance: Duties
    health: Health | None
    elsewhere: Mapping[str, Elsewhere]
    """The executors that steps name."""

    @property
    def running(self) -> Running:
        return self.engine.running

    @property
    def all_connections(self) -> set[CoreConnection]:
        return {*self.connections, self.service}


def put_together(
    flows: ServedFlows, conninfo: str, config: WorkerConfig, shutdown: Shutdown, owner: Owner
) -> Parts:
    """What the running event loop is to work with; nothing is opened or started yet."""
    loop = asyncio.get_running_loop()
    prepare = not config.poll_only
    slots, idle = Slots(config.max_concurrent, config.max_tasks), Idle(config)
    metrics = Metrics() if config.health_port is not None else None
    observer = as_one([*([] if metrics is None else [metrics]), *otel_observers(slots)])
    count = max(1, config.max_pg_connections - 2)  # one more for the heartbeat, one for what handlers ask
    connections = [CoreConnection(conninfo, prepare=prepare, on_loss=owner.lost) for _ in range(count)]
    is_spare = config.max_pg_connections > 2
    service = CoreConnection(conninfo, prepare=prepare) if is_spare else connections[0]
    inputs = RunInputs(partial(_fetch_input, service), loop)
    env = make_task_environment(conninfo, config, flows, shutdown, inputs)
    core_calls = _core_calls(flows, config, observer)
    elsewhere = _elsewhere(flows, config, shutdown)
    make_running = partial(Running, slots, env, owner.all_stuck, _away(elsewhere, conninfo, config))
    engine = Engine(flows, core_calls, slots, idle, config.batch_size, count, make_running, observer)
    depth = QueueDepth(flows)
    retention = [Retention(config.keep)] if config.keep is not None else []
    timers = Timers(config.max_poll_seconds, lambda: not engine.running.empty.is_set())
    duties: list[Duty] = [timers, Recovery(owner.recovered), Release(), *retention, depth]
    maintenance = Duties(conninfo, duties, prepare=prepare)
    engine.due_in = lambda seconds: maintenance.hurry(timers, after(seconds))
    heartbeat = Heartbeat(conninfo, flows, owner, prepare=prepare)
    health = None
    if metrics is not None:
        health = Health(
            WorkerStatus(
                config=config,
                state=lambda: owner.state,
                loop=loop,
                slots=slots,
                waiting=lambda: engine.waiting_count,
                heartbeat=heartbeat,
                flows=flows,
                depth=depth,
                metrics=metrics,
                is_local=Locality(conninfo),
            )
        )
    return Parts(
        idle=idle,
        slots=slots,
        core_calls=core_calls,
        engine=engine,
        inputs=inputs,
        handler_connections=env.connections,
        connections=connections,
        service=service,
        heartbeat=heartbeat,
        maintenance=maintenance,
        health=health,
        elsewhere=elsewhere,
    )


def _elsewhere(flows: ServedFlows, config: WorkerConfig, shutdown: Shutdown) -> Mapping[str, Elsewhere]:
    if not any(step.executor for flow in flows.all for step in flow.steps.values()):
        return {}
    from pgflow_runtime.worker.executors import table  # only where there are any

    asked_for = table.asked_for(flow.contract for flow in flows.all)
    return {
        name: table.make(name, table.Setting(config, shutdown, tuple(contracts)))
        for name, contracts in asked_for.items()
    }


def _away(elsewhere: Mapping[str, Elsewhere], conninfo: str, config: WorkerConfig) -> Mapping[str, Away]:
    if not elsewhere:
        return {}
    from pgflow_runtime.worker.executors.sending import Sending

    return {name: Sending(name, each, conninfo, config) for name, each in elsewhere.items()}


def _core_calls(flows: ServedFlows, config: WorkerConfig, observer: Observer | None) -> CoreCalls:
    settings = (flows, config.visibility_timeout)
    return CoreCalls(*settings) if observer is None else ObservedCoreCalls(*settings, observer)


async def _fetch_input(connection: CoreConnection, run_id: str, step_slug: str | None) -> str:
    if step_slug is None:
        rows = await connection.call(RUN_INPUT, (run_id,))
    else:
        rows = await connection.call(STEP_INPUT, (run_id, step_slug))
    if not rows or rows[0][0] is None:
        raise PgflowError(f"run {run_id} is gone")
    return str(rows[0][0])
