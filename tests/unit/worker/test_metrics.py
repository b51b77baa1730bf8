"""Counting, and the text that Prometheus reads."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest

from pgflow_runtime import WorkerConfig
from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.dispatch.observer import Several, as_one
from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.maintenance.heartbeat import Heartbeat
from pgflow_runtime.worker.maintenance.queue_depth import QueueDepth
from pgflow_runtime.worker.monitoring.exposition import Family, exposition
from pgflow_runtime.worker.monitoring.health import Health, WorkerStatus
from pgflow_runtime.worker.monitoring.metrics import Histogram, Metrics
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.states import State
from pgflow_runtime.worker.tasks.slots import Slots
from tests.support.exposition import read, value
from tests.support.nobody import Nobody


def row(flow: str = "f", step: str = "s") -> TaskRow:
    values = dict.fromkeys(TaskRow._fields) | {"flow_slug": flow, "step_slug": step}
    return TaskRow(**values)  # type: ignore[arg-type]


def test_bounds_are_inclusive_and_cumulative() -> None:
    metrics = Metrics()
    metrics.durations["f", "s"] = Histogram((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.0, 2.5):
        metrics.durations["f", "s"].observe(seconds)
    found = read(exposition(metrics, []))
    name = "pgflow_task_duration_seconds"
    buckets = [value(found, f"{name}_bucket", flow="f", step="s", le=le) for le in ("1", "2", "+Inf")]
    assert buckets == [2, 4, 5]
    assert value(found, f"{name}_sum", flow="f", step="s") == 7.5
    assert value(found, f"{name}_count", flow="f", step="s") == 5


def test_outcomes_and_calls() -> None:
    metrics, other = Metrics(), Metrics()
    both = as_one([metrics, other])
    assert isinstance(both, Several)
    for outcome in ("completed", "completed", "retried"):
        both.ended(row(), outcome, 0.1)
    both.called("claim", 0.002, 7)
    for counted in (metrics, other):
        found = read(exposition(counted, []))
        assert value(found, "pgflow_tasks_total", flow="f", step="s", outcome="completed") == 2
        assert value(found, "pgflow_tasks_total", flow="f", step="s", outcome="retried") == 1
        assert value(found, "pgflow_call_tasks_bucket", call="claim", le="10") == 1
        assert value(found, "pgflow_call_tasks_bucket", call="claim", le="5") == 0
        assert value(found, "pgflow_call_tasks_sum", call="claim") == 7


def test_nobody_who_counts_costs_nothing() -> None:
    assert as_one([]) is None


def test_labels_may_hold_anything() -> None:
    hostile = 'a"b\\c\nd{}=,e\u00e9'
    family = Family("pgflow_worker_info", "gauge", "Which worker.", [({"name": hostile}, 1.0)])
    assert value(read(exposition(Metrics(), [family])), "pgflow_worker_info", name=hostile) == 1


def test_ports_have_limits() -> None:
    with pytest.raises(UsageError, match="health_port is 65536; the most is 65535"):
        WorkerConfig(health_port=65_536)
    with pytest.raises(UsageError, match="the least is 0"):
        WorkerConfig(health_port=-1)
    with pytest.raises(UsageError, match="2 processes from health_port 65535"):
        WorkerConfig(health_port=65_535, processes=2)


def test_processes_take_ports_in_a_row() -> None:
    several = WorkerConfig(health_port=9000, processes=3)
    assert [several.of_process(number).health_port for number in (1, 2, 3)] == [9000, 9001, 9002]
    assert several.of_process(2).processes == 1
    assert WorkerConfig(processes=2).of_process(2).health_port is None


async def test_an_event_loop_that_is_blocked_is_noticed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The test itself holds the loop while it asks."""
    import asyncio

    from pgflow_runtime.worker.monitoring import health as health_module

    monkeypatch.setattr(health_module, "BLOCKED", 0.2)
    caplog.set_level("INFO", "pgflow")
    flows = ServedFlows([], "me", {})
    config = WorkerConfig(health_port=0)
    health = Health(
        WorkerStatus(
            config=config,
            state=lambda: State.RUNNING,
            loop=asyncio.get_running_loop(),
            slots=Slots(3),
            waiting=lambda: 4,
            heartbeat=Heartbeat("", flows, Nobody(), prepare=True),
            flows=flows,
            depth=QueueDepth(flows),
            metrics=Metrics(),
            is_local=lambda: False,
        )
    )
    health.start()
    try:
        url = caplog.text.split(" on ")[1].split()[0]
        assert await asyncio.to_thread(get, f"{url}/healthz") == (200, "ok\n")
        status, text = get(f"{url}/healthz")  # in the loop's own thread
        assert (status, "an async handler blocks it" in text) == (503, True)
        assert get(f"{url}/livez") == (status, text)
        assert await asyncio.to_thread(get, f"{url}/livez") == (200, "ok\n")
        found = read((await asyncio.to_thread(get, f"{url}/metrics"))[1])
        assert value(found, "pgflow_results_waiting") == 4
        assert value(found, "process_start_time_seconds") <= time.time()
    finally:
        health.stop()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()
