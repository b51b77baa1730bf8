"""A worker process and clients as users who have nothing but their roles."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgflow_runtime.errors import RunFailed
from pgflow_runtime.migrate import migrate
from pgflow_runtime.migrate.roles import CLIENT, WORKER
from tests.support.crawl import STEPS, AsyncClient, Client
from tests.support.migrations import migration
from tests.support.project import Project
from tests.support.server import Server
from tests.support.worker_lab import Lab, make_project

CRAWL = migration(steps={slug: deps for slug, (_, deps) in STEPS.items()}, maps=["fetch"], max_attempts=1)


@pytest.fixture(scope="session")
def lab_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def lab(
    postgres_server: Server, lab_project: Project, own_roles: None, tmp_path: Path
) -> Iterator[tuple[Lab, Lab, str]]:
    """The lab as its administrator and as a worker sees it, and the client's dsn."""
    dsn = postgres_server.create_database()
    lab_project.ok("migrate", "--roles", "--dsn", dsn)
    names = [f"pgflow_user_{uuid4().hex[:8]}" for _ in range(2)]
    with psycopg.connect(dsn) as connection:
        for name, role in zip(names, (WORKER, CLIENT), strict=True):
            connection.execute(f"create role {name} login in role {role}".encode())
    full = Lab(lab_project, dsn, tmp_path)
    yield full, replace(full, dsn=make_conninfo(dsn, user=names[0])), make_conninfo(dsn, user=names[1])
    postgres_server.drop_database(dsn)
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        for name in names:
            connection.execute(f"drop role {name}".encode())


def test_a_worker_and_the_commands_of_a_client(lab: tuple[Lab, Lab, str], lab_project: Project) -> None:
    full, workers, client_dsn = lab
    with workers.worker() as worker:
        out = lab_project.ok("start", "chain", "1", "--wait", "--dsn", client_dsn).stdout
        (row,) = full.sql("select run_id, status, output from pgflow.runs")
        assert row["status"] == "completed"
        assert json.loads(out) == row["output"]
        run_id = str(row["run_id"])
        assert run_id in lab_project.ok("runs", "list", "--dsn", client_dsn).stdout
        shown = lab_project.ok("runs", "show", run_id, "--dsn", client_dsn).stdout
        assert [line.split()[:2] for line in shown.splitlines() if line.startswith("  ")] == [
            [step, "completed"] for step in ("first", "second", "third")
        ]
        assert worker.stop() == 0


def test_a_lost_connection_is_made_up_for(lab: tuple[Lab, Lab, str]) -> None:
    """The worker that comes back asks which tasks it holds: that, too, is allowed."""
    full, workers, _ = lab
    with workers.worker("held") as worker:
        run_id = full.start("held", {"folder": str(full.folder), "name": "a"})
        full.begun("a.begun.1")
        user = psycopg.conninfo.conninfo_to_dict(workers.dsn)["user"]
        full.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", user)
        worker.until_logged("lost ")
        full.let_go("a.go")
        assert full.completed(run_id) == {"hold": 1}
        worker.signal(signal.SIGTERM)
        assert worker.exit_code() == 0
        assert "permission denied" not in worker.log


async def test_the_generated_clients(bare_database_dsn: str, own_roles: None) -> None:
    migrate(bare_database_dsn, (CRAWL,), roles=True)
    name = f"pgflow_user_{uuid4().hex[:8]}"
    with psycopg.connect(bare_database_dsn, autocommit=True) as connection:
        connection.execute(f"create role {name} login in role {CLIENT}".encode())
        dsn = make_conninfo(bare_database_dsn, user=name)
        try:
            async with AsyncClient.connect(dsn) as client:
                run = await client.start_crawl({"urls": ["a"]})
                assert (await client.get_crawl(run.run_id)).status == "started"
                connection.execute("select pgflow.register_worker(%s, 'crawl', 'w')", [worker := uuid4()])
                connection.execute("select pgflow.claim_tasks(array[%s::uuid], array['crawl'], 9)", [worker])
                connection.execute("select pgflow.fail_task(%s, 'note', 0, 'broken')", [run.run_id])
                with pytest.raises(RunFailed, match="in step 'note', task 0: broken"):
                    await run.result(timeout=60)
            with Client.connect(dsn) as sync_client:
                assert sync_client.get_crawl(run.run_id).error_message == "broken"
        finally:
            connection.execute(f"drop role {name}".encode())
