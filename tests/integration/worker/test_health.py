"""/healthz and /metrics of worker processes, asked over HTTP."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.support.exposition import Samples, read, value
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess


def url_of(worker: WorkerProcess) -> str:
    found = re.search(r"health and metrics on (http://\S+)", worker.log)
    assert found is not None, worker.log
    return found[1]


def ask(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def metrics(url: str) -> Samples:
    status, text = ask(f"{url}/metrics")
    assert status == 200
    return read(text)


def test_a_worker_that_works_is_well_and_counts(lab: Lab) -> None:
    with lab.worker("chain", "fan", "steer", health_port="0") as worker:
        url = url_of(worker)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert ask(f"{url}/healthz") == (200, "ok\n")
        lab.completed(lab.start("chain", 1))
        lab.completed(lab.start("fan", 4))
        lab.completed(lab.start("steer", {"what": "late success"}))
        lab.failed(lab.start("steer", {"what": "always"}))
        found = eventually(lambda: counted(metrics(url)))
        assert value(found, "pgflow_slots") == 50
        assert value(found, "pgflow_task_duration_seconds_count", flow="fan", step="square") == 4
        assert value(found, "pgflow_task_duration_seconds_bucket", flow="fan", step="square", le="+Inf") == 4
        assert value(found, "pgflow_call_duration_seconds_count", call="claim") >= 4
        assert value(found, "pgflow_call_tasks_sum", call="fail") == 3
        assert value(found, "pgflow_worker_state", state="running") == 1
        assert value(found, "pgflow_heartbeat_age_seconds") < 15
        assert worker.stop() == 0


def counted(found: Samples) -> Samples:
    """Once the last outcome is in."""
    outcomes = {
        ("chain", "third", "completed"): 1,
        ("fan", "square", "completed"): 4,
        ("steer", "obey", "completed"): 1,
        ("steer", "obey", "retried"): 2,
        ("steer", "obey", "failed"): 1,
    }
    for (flow, step, outcome), count in outcomes.items():
        assert value(found, "pgflow_tasks_total", flow=flow, step=step, outcome=outcome) == count
    return found


def test_queues_are_measured_for_who_reads(lab: Lab) -> None:
    """With the next heartbeat after the first reading."""
    with lab.worker("held", health_port="0", max_concurrent="1") as worker:
        url = url_of(worker)
        runs = [lab.start("held", {"folder": str(lab.folder), "name": f"h{n}"}) for n in range(3)]
        eventually(lambda: value(metrics(url), "pgflow_queue_messages", flow="held") == 3)
        found = metrics(url)
        assert value(found, "pgflow_queue_visible_messages", flow="held") == 2
        assert value(found, "pgflow_waiting_tasks", flow="held") == 0
        for name in (
            "failing_timers",
            "waiting_signals",
            "paused_schedules",
            "failing_schedules",
            "failed_undos",
        ):
            assert value(found, f"pgflow_{name}", flow="held") == 0
        assert value(found, "pgflow_longest_signal_wait_seconds", flow="held") == 0
        assert value(found, "pgflow_late_schedule_seconds", flow="held") == 0
        assert value(found, "pgflow_slots_in_use", use="busy") == 1
        for n in range(3):
            lab.let_go(f"h{n}.go")
        for run in runs:
            lab.completed(run)


def test_a_worker_that_stops_says_so_until_its_handlers_have_ended(lab: Lab) -> None:
    with lab.worker("held", health_port="0") as worker:
        run = lab.start("held", {"folder": str(lab.folder), "name": "h"})
        lab.begun("h.begun.1")
        worker.signal()
        url = url_of(worker)
        eventually(lambda: ask(f"{url}/healthz") == (503, "the worker is stopping\n"))
        lab.let_go("h.go")
        lab.completed(run)
        assert worker.exit_code() == 0
        with pytest.raises(urllib.error.URLError):
            ask(f"{url}/healthz")


def test_without_its_database_a_worker_is_not_well_and_recovers(lab: Lab, postgres_server: Server) -> None:
    with lab.worker("chain", health_port="0") as worker:
        url = url_of(worker)
        with shut(postgres_server, name_of(lab.dsn)):
            eventually(lambda: "not currently accepting connections" in ask(f"{url}/healthz")[1])
            status, text = ask(f"{url}/healthz")
            assert (status, text.startswith("the last heartbeat failed: ")) == (503, True)
            assert ask(f"{url}/livez") == (200, "ok\n")  # a new process would not do better
        eventually(lambda: ask(f"{url}/healthz") == (200, "ok\n"))
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}


@contextmanager
def shut(server: Server, name: str) -> Iterator[None]:
    """The database takes no connections, and those it has are cut."""
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        allow = sql.SQL("alter database {} allow_connections {}")
        admin.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        try:
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.Literal(True)))


def test_each_of_several_processes_has_its_port(lab: Lab) -> None:
    port = two_free_ports()
    worker = WorkerProcess.launch(lab, ("chain",), {"health_port": str(port), "processes": "2"})
    try:
        for number in (port, port + 1):
            worker.until_logged(f"health and metrics on http://127.0.0.1:{number}")
            eventually(lambda number=number: ask(f"http://127.0.0.1:{number}/healthz")[0] == 200)  # type: ignore[misc]
        worker.signal(signal.SIGTERM)
        assert worker.exit_code() == 0
    finally:
        worker.clear_away()


def two_free_ports() -> int:
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports beside each other")


def test_a_port_that_is_taken_refuses_the_start(lab: Lab) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = refused(lab, "--health-port", str(port))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "--health-port" in done.stderr


def test_an_address_that_is_none_refuses_the_start(lab: Lab) -> None:
    done = refused(lab, "--health-port", "0", "--health-host", "no such\u00fcber host")
    assert (done.returncode, "cannot listen on" in done.stderr) == (2, True), done.stderr


def refused(lab: Lab, *flags: str) -> subprocess.CompletedProcess[str]:
    return lab.project.run("worker", "flows.lab:chain", "--dsn", lab.dsn, *flags)
