"""``executor="process"``: handlers in processes of the worker's own, which end when their time is over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, make_project

FLOWS = Path(__file__).parents[2] / "support" / "process_flows.py"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("crunch"), "crunch", FLOWS)


@pytest.fixture(scope="module")
def template(postgres_server: Server, project: Project) -> str:
    dsn = postgres_server.create_database()
    project.ok("migrate", "--dsn", dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table public.ledger (note text)")
    return dsn


@pytest.fixture
def crunch(postgres_server: Server, project: Project, template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(template))
    yield Lab(project, dsn, tmp_path, "crunch")
    postgres_server.drop_database(dsn)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_handler_runs_in_another_process_with_its_context(crunch: Lab) -> None:
    with crunch.worker("facts") as worker:
        run_id = crunch.start("facts", {"folder": str(crunch.folder)})
        found = crunch.completed(run_id)["sync"]
        assert found["parent"] == worker.process.pid
        assert found["pid"] != worker.process.pid
        assert found["folder"] == str(crunch.folder)
        assert crunch.sql("select note from public.ledger") == [{"note": "sync"}]
        worker.until_logged("said by sync")
        (line,) = [line for line in worker.log.splitlines() if "said by sync" in line]
        assert f"run={run_id} step=sync task=0 attempt=1" in line
        assert worker.stop() == 0
        assert not lives(found["pid"])


def test_the_end_of_its_time_ends_the_process_of_a_computing_handler(crunch: Lab) -> None:
    with crunch.worker("busy"):
        run_id = crunch.start("busy", {"folder": str(crunch.folder)})
        crunch.begun("spinning")
        assert "did not end within its timeout of 3 s" in crunch.failed(run_id)
        pid = int((crunch.folder / "spinning").read_text())
        eventually(lambda: not lives(pid))
