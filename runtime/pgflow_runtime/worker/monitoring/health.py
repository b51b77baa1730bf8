"""``/healthz``, ``/livez`` and ``/metrics`` of a worker process."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.maintenance.heartbeat import SECONDS as BEAT
from pgflow_runtime.worker.maintenance.heartbeat import Heartbeat
from pgflow_runtime.worker.maintenance.queue_depth import QueueDepth
from pgflow_runtime.worker.monitoring.exposition import CONTENT_TYPE, Family, exposition
from pgflow_runtime.worker.monitoring.http import HttpServer, Reply
from pgflow_runtime.worker.monitoring.metrics import Metrics
from pgflow_runtime.worker.monitoring.restart import RestartRoute, allowed_hosts, path_of, secret_of
from pgflow_runtime.worker.states import State
from pgflow_runtime.worker.tasks.slots import Slots
from pgflow_runtime.worker_config import WorkerConfig

SILENCE: Final = 3 * BEAT
"""Seconds without a heartbeat that got through until the worker counts as cut off."""
BLOCKED: Final = 2.0
"""Seconds the event loop has to answer."""

_OF_FLOWS: Final = (
    ("pgflow_queue_messages", "Messages in the flow's queue, of all workers."),
    ("pgflow_queue_visible_messages", "Messages that may be taken now."),
    ("pgflow_queue_longest_wait_seconds", "How long a message has been waiting to be taken."),
    ("pgflow_waiting_tasks", "Tasks that wait for a time, without a message in the queue."),
    ("pgflow_failing_timers", "Timers that could not be fired and are tried again."),
    ("pgflow_waiting_signals", "Signal steps that wait for somebody."),
    ("pgflow_longest_signal_wait_seconds", "How long the first of them has been waiting."),
    ("pgflow_paused_schedules", "Schedules of the flow that are paused."),
    ("pgflow_failing_schedules", "Schedules whose last fire failed; it is tried again."),
    ("pgflow_late_schedule_seconds", "How long a fire has been due that nobody has seen to."),
    ("pgflow_failed_undos", "Undos that have failed: somebody has to look at them."),
)
"""What is measured of a flow, in the order of ``MEASURE_QUEUES``."""


@dataclass(frozen=True)
class WorkerStatus:
    """What there is to look at in a worker process."""

    config: WorkerConfig
    state: Callable[[], State]
    loop: asyncio.AbstractEventLoop
    slots: Slots
    waiting: Callable[[], int]
    """How many results wait to be reported."""
    heartbeat: Heartbeat
    flows: ServedFlows
    depth: QueueDepth
    metrics: Metrics
    is_local: Callable[[], bool]
    """Whether the database is a local Supabase's."""


class Health:
    """The server of all three, in threads of its own: it answers also when a handler blocks the loop."""

    def __init__(self, status: WorkerStatus) -> None:
        self._status = status
        self._born = time.time()
        routes = {"/healthz": self._healthz, "/livez": self._livez, "/metrics": self._metrics}
        config = status.config
        assert config.health_port is not None
        self._server = HttpServer(
            config.health_host,
            config.health_port,
            routes,
            allowed_hosts(config),
            {path_of(config): RestartRoute(secret_of(), status.is_local, self._running)},
        )
        self.port = 0
        """The one that is bound."""

    def start(self) -> None:
        """Raises UsageError: the port cannot be had."""
        self.port = port = self._server.start()
        host = self._status.config.health_host
        is_inside = bool(self._status.config.restart_url)  # behind the supervisor's, which has been named
        level = logging.DEBUG if is_inside else logging.INFO
        logger.log(level, "health and metrics on http://%s:%s", f"[{host}]" if ":" in host else host, port)

    def stop(self) -> None:
        self._server.stop()

    def _running(self) -> Reply:
        """To who would have this worker started: as long as it answers there is nothing to start."""
        is_ending = self._status.state() in (State.STOPPING, State.STOPPED)
        return Reply(503, "stopping\n") if is_ending else Reply(200, "running\n")

    def _healthz(self) -> Reply:
        return _verdict([*self._ailments(), *self._loop_ailments()])

    def _livez(self) -> Reply:
        """Whether a new process would do better: not where it is the database that is away."""
        return _verdict([*self._loop_ailments()])

    def _ailments(self) -> Iterator[str]:
        state = self._status.state()
        if state not in (State.RUNNING, State.DEPRECATED):  # which still ends what it has begun
            yield f"the worker is {state}"
            return
        heartbeat = self._status.heartbeat
        silence = heartbeat.silence
        if heartbeat.trouble is not None:
            yield f"the last heartbeat failed: {' '.join(heartbeat.trouble.split())}"
        elif silence is not None and silence > SILENCE:
            yield f"no heartbeat for {silence:.0f} s"

    def _loop_ailments(self) -> Iterator[str]:
        """Have the worker's event loop do something, and see whether it does."""
        answered = threading.Event()
        try:
            self._status.loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            yield "the event loop has ended"
            return
        if not answered.wait(BLOCKED):
            yield f"the event loop has not answered for {BLOCKED:g} s: an async handler blocks it"

    def _metrics(self) -> Reply:
        self._status.depth.want()
        return Reply(200, exposition(self._status.metrics, self._families()), CONTENT_TYPE)

    def _families(self) -> Iterator[Family]:
        status = self._status
        slots = status.slots
        flows = status.flows
        state, silence = status.state(), status.heartbeat.silence
        yield Family(
            "pgflow_worker_info", "gauge", "Which worker this is.",
            [({"name": status.config.name, "flow": flow.slug, "worker_id": flow.worker_id}, 1.0)
             for flow in flows.all],
        )  # fmt: skip
        yield Family(
            "pgflow_worker_state", "gauge", "1 for the state the worker is in.",
            [({"state": each.value}, float(each is state)) for each in State],
        )  # fmt: skip
        yield Family("pgflow_slots", "gauge", "Places for tasks in this process.", [({}, slots.total)])
        yield Family(
            "pgflow_slots_in_use", "gauge", "Places taken: busy with a handler (stuck: one that goes on after"
            " its timeout), or reserved for tasks that a call may bring.",
            [({"use": "busy"}, slots.busy), ({"use": "reserved"}, slots.reserved),
             ({"use": "stuck"}, slots.stuck)],
        )  # fmt: skip
        yield Family(
            "pgflow_results_waiting", "gauge", "Results not yet sent to the database.",
            [({}, status.waiting())],
        )  # fmt: skip
        yield Family(
            "pgflow_heartbeat_age_seconds", "gauge", "Since the last heartbeat that got through.",
            [] if silence is None else [({}, silence)],
        )  # fmt: skip
        depth = status.depth.latest
        for column, (name, help) in enumerate(_OF_FLOWS):
            samples = [({"flow": slug}, numbers[column]) for slug, numbers in depth.items()]
            yield Family(name, "gauge", help, samples)
        yield Family("process_cpu_seconds_total", "counter", "Processor time.", [({}, time.process_time())])
        yield Family("process_start_time_seconds", "gauge", "Unix time of the start.", [({}, self._born)])


def _verdict(reasons: Sequence[str]) -> Reply:
    if reasons:
        return Reply(503, "".join(f"{reason}\n" for reason in reasons))
    return Reply(200, "ok\n")
