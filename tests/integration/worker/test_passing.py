"""What passes by itself: nothing ends, no result is lost, and no attempt is counted for it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.own_server import OwnServer, own_server
from tests.support.project import Project
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess

BLOCKED = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@contextmanager
def _holding(lab: Lab, statement: str, *values: Any) -> Iterator[psycopg.Connection[Any]]:
    """A session that holds what the statement locks, until it rolls back at the end."""
    with psycopg.connect(lab.dsn) as connection:
        connection.execute(statement.encode(), values)
        yield connection
        connection.rollback()


def _cancel_blocked(lab: Lab, count: int) -> None:
    """End a statement that waits for a lock, so often."""

    def cancel() -> bool:
        return bool(lab.sql(f"select pg_cancel_backend(pid) from ({BLOCKED}) w"))

    for _ in range(count):
        eventually(cancel)


def test_a_result_waits_for_what_is_in_its_way(lab: Lab) -> None:
    with lab.worker("held") as worker:
        run = lab.start("held", {"folder": str(lab.folder), "name": "a"})
        other = lab.start("held", {"folder": str(lab.folder), "name": "b"})
        lab.begun("a.begun.1", "b.begun.1")
        with _holding(lab, "select 1 from pgflow.runs where run_id = %s for update", run):
            lab.let_go("a.go")
            _cancel_blocked(lab, 4)
            lab.let_go("b.go")
            assert lab.completed(other) == {"hold": 1}
        assert lab.completed(run) == {"hold": 1}
        assert "outcome is held up, and will be reported again: canceling statement" in worker.log
        assert worker.stop() == 0
    assert (lab.task(run)["attempts_count"], lab.task(run)["requeued_count"]) == (1, 0)


def test_so_does_a_failure(lab: Lab) -> None:
    with lab.worker("tight") as worker:
        run = lab.start("tight", {"folder": str(lab.folder), "name": "late"})
        lab.begun("late.begun")
        with _holding(lab, "select 1 from pgflow.runs where run_id = %s for update", run):
            _cancel_blocked(lab, 3)
        assert "TimeoutError" in lab.failed(run)
        assert worker.stop() == 0


def test_a_worker_looks_for_work_for_ever(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        lab.until_idle("chain")
        with _holding(lab, "lock table pgmq.q_chain in access exclusive mode"):
            _cancel_blocked(lab, 8)
        assert "cannot look for work: canceling statement" in worker.log
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        assert worker.stop() == 0


def test_a_step_that_gives_way_at_its_own_commit_is_given_back_uncounted(lab: Lab) -> None:
    """The core meets a change of the run that this transaction must not see."""
    with lab.worker("strict") as worker:
        run = lab.start("strict", {"folder": str(lab.folder), "name": "s"})
        lab.begun("s.begun.1")
        lab.sql("update pgflow.runs set remaining_steps = remaining_steps where run_id = %s", run)
        lab.let_go("s.go")
        assert lab.completed(run) == {"guard": 1}
        assert "could not serialize access" in worker.log
        assert worker.stop() == 0
    assert (lab.task(run)["attempts_count"], lab.task(run)["requeued_count"]) == (1, 0)


def test_a_start_that_is_refused_for_a_while_is_repeated_with_its_id(lab: Lab) -> None:
    program = """
import sys
from generated.client import Client
with Client.connect(sys.argv[1]) as client:
    print(client.start_chain(1).run_id)
"""
    told: list[subprocess.CompletedProcess[str]] = []
    starting = threading.Thread(target=lambda: told.append(lab.project.python("-c", program, lab.dsn)))
    with _holding(lab, "lock table pgflow.runs in access exclusive mode"):
        starting.start()
        _cancel_blocked(lab, 3)
    starting.join()
    assert told[0].returncode == 0, told[0].stderr
    (row,) = lab.sql("select run_id from pgflow.runs")
    assert told[0].stdout.split() == [str(row["run_id"])]


def test_a_migration_that_gives_way_is_repeated(lab: Lab) -> None:
    told: list[subprocess.CompletedProcess[str]] = []
    migrating = threading.Thread(target=lambda: told.append(lab.project.run("migrate", "--dsn", lab.dsn)))
    with _holding(lab, "lock table pgflow.migrations in access exclusive mode"):
        migrating.start()
        _cancel_blocked(lab, 2)
    migrating.join()
    assert told[0].returncode == 0, told[0].stderr


@pytest.fixture(scope="module")
def other_server(lab_project: Project) -> Iterator[OwnServer]:
    """A server that may be stopped, with the project's flows in database ``lab``."""
    with own_server() as server:
        lab_project.ok("migrate", "--dsn", server.create("lab"))
        yield server


@pytest.fixture
def elsewhere(other_server: OwnServer, lab_project: Project, tmp_path: Path) -> Lab:
    return Lab(lab_project, make_conninfo(other_server.dsn, dbname="lab"), tmp_path)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_that_starts_without_its_server_waits(
    other_server: OwnServer, elsewhere: Lab, processes: str
) -> None:
    other_server.stop_at_once()
    try:
        worker = WorkerProcess.launch(elsewhere, ["chain"], {"processes": processes})
        quitter = WorkerProcess.launch(elsewhere, ["chain"], {"processes": processes})
        for waiting in (worker, quitter):
            waiting.until_logged("no connection to")
        assert quitter.stop() == 0
    finally:
        other_server.start()
    try:
        worker.until_serving()
        assert elsewhere.completed(elsewhere.start("chain", 1)) == {"third": [2, 20]}
        assert worker.stop() == 0
    finally:
        worker.clear_away()


def test_what_waiting_does_not_mend_ends_the_start(other_server: OwnServer, elsewhere: Lab) -> None:
    wrong = replace(elsewhere, dsn=make_conninfo(elsewhere.dsn, dbname="nowhere"))
    worker = WorkerProcess.launch(wrong, ["chain"], {})
    assert worker.exit_code() == 1
    assert "has no database nowhere" in worker.log


def test_a_server_that_takes_no_writes_for_a_while_ends_nothing(
    other_server: OwnServer, elsewhere: Lab
) -> None:
    """As a demoted primary does: it comes back as a standby, and is promoted later."""
    with elsewhere.worker("held", processes="2") as worker:
        runs = [elsewhere.start("held", {"folder": str(elsewhere.folder), "name": n}) for n in "ab"]
        elsewhere.begun("a.begun.1", "b.begun.1")
        other_server.stop_at_once()
        (other_server.data / "standby.signal").touch()
        os.chown(other_server.data / "standby.signal", *_owner(other_server.data / "PG_VERSION"))
        other_server.start()
        elsewhere.let_go("a.go")
        eventually(lambda: worker.log.count("read-only transaction") >= 4)
        with psycopg.connect(other_server.dsn, autocommit=True) as connection:
            connection.execute("select pg_promote()")
        elsewhere.let_go("b.go")
        for run in runs:
            assert elsewhere.completed(run) == {"hold": 1}
        assert "worker process" not in worker.log
        assert worker.stop() == 0
    for run in runs:
        assert elsewhere.task(run)["attempts_count"] == 1


def _owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid
