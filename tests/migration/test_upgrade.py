"""Upgrading the core while workers and clients of the version before are at it.

Migration 0002 is a scratch one, of the kind an upgrade is made of: a column, an index, replaced functions
with their signatures kept, a new function, the new number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime.errors import CoreTooNew, MigrationFailed
from pgflow_runtime.migrate import core as core_migrations
from pgflow_runtime.migrate import migrate
from pgflow_sql import SqlFile, migration_files, schema_files
from tests.support.core import Core, connect
from tests.support.crawl import LINES, AsyncClient, finish
from tests.support.project import Project
from tests.support.server import Server
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess, make_project

VERSION = """
create or replace function pgflow.schema_version() returns int language sql immutable
set search_path = pg_catalog, pg_temp as $$ select 2 $$;
"""


def replaced_functions() -> str:
    """All functions of the core once more, with other bodies (a comment) and the same signatures."""
    texts = [file.text for file in schema_files() if "create function pgflow." in file.text]
    assert len(texts) > 70
    text = "\n".join(texts).replace("create function", "create or replace function")
    return re.sub(r"^begin$", "begin  -- as of version 2", text, flags=re.MULTILINE)


NEXT = SqlFile(
    "0002_next.sql",
    "alter table pgflow.step_tasks add column note text;\n"
    "create index step_tasks_note_idx on pgflow.step_tasks (note) where note is not null;\n"
    "create function pgflow.brand_new() returns int language sql as 'select 2';\n"
    + replaced_functions()
    + VERSION,
)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on this process is the next release; worker processes and commands are the present one."""
    monkeypatch.setattr(core_migrations, "migration_files", lambda: (*migration_files(), NEXT))
    monkeypatch.setattr(core_migrations, "SCHEMA_VERSION", 2)


@pytest.fixture(scope="session")
def lab_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def lab(postgres_server: Server, lab_project: Project, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database()
    lab_project.ok("migrate", "--dsn", dsn)
    yield Lab(lab_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)


def test_a_running_worker_goes_on(lab: Lab, newer: None) -> None:
    """Tasks are in its hands when the upgrade comes; they and all later ones are done, nothing twice."""
    with lab.worker("chain", "held") as worker:
        held = lab.start("held", {"folder": str(lab.folder), "name": "a"})
        lab.begun("a.begun.1")
        before = [lab.start("chain", number) for number in range(30)]
        lab.completed(before[0])
        assert migrate(lab.dsn).core == ["0002_next.sql"]
        after = [lab.start("chain", number) for number in range(30)]
        lab.let_go("a.go")
        assert lab.completed(held) == {"hold": 1}
        for run_id in before + after:
            lab.completed(run_id)
            assert {task["attempts_count"] for task in lab.tasks(run_id)} == {1}
        assert lab.sql("select pgflow.schema_version() as version") == [{"version": 2}]
        (body,) = lab.sql("select prosrc from pg_proc where oid = 'pgflow.claim_tasks'::regproc")
        assert "as of version 2" in body["prosrc"]
        assert worker.stop() == 0
        assert "ERROR" not in worker.log


def test_an_upgrade_amid_a_run(lab: Lab, newer: None) -> None:
    """The upgrade waits for nobody to finish: a run of many tasks is half done when it comes."""
    with lab.worker("chain", max_concurrent="2") as worker:
        runs = [lab.start("chain", number) for number in range(200)]
        done = "select 1 from pgflow.runs where status = 'completed' limit 1"
        eventually(lambda: lab.sql(done))
        migrate(lab.dsn)
        for run_id in runs:
            lab.completed(run_id, timeout=120)
        assert worker.stop() == 0


async def test_a_connected_client_goes_on(bare_database_dsn: str, newer: None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core_migrations, "migration_files", migration_files)
        patch.setattr(core_migrations, "SCHEMA_VERSION", 1)
        migrate(bare_database_dsn)
    with connect(bare_database_dsn) as connection:
        hand = Core(connection)
        hand.flow("crawl", *LINES)
        async with AsyncClient.connect(bare_database_dsn) as client:
            first = await client.start_crawl({"urls": ["a"]})
            migrate(bare_database_dsn)
            second = await client.start_crawl({"urls": ["b"]})
            finish(hand)
            assert (await first.result(timeout=60)) == (await second.result(timeout=60))


def test_a_worker_of_the_version_before_starts_anew(lab: Lab, newer: None) -> None:
    """A crash in the middle of a rolling deploy heals."""
    migrate(lab.dsn)
    with lab.worker("chain") as worker:
        lab.completed(lab.start("chain", 1))
        assert worker.stop() == 0


def test_a_worker_that_the_new_core_does_not_serve_any_more_says_so(lab: Lab, newer: None) -> None:
    migrate(lab.dsn)
    lab.sql(
        "create or replace function pgflow.oldest_program() returns table (worker int, client int)"
        " language sql as 'select 2, 1'"
    )
    worker = WorkerProcess.launch(lab, ("chain",), {})
    assert worker.exit_code() == 1
    assert "serves programs from version 2 on; this program knows 1" in worker.log


def test_upgrade_that_fails_leaves_the_old_version_at_work(
    lab: Lab, newer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = SqlFile("0002_next.sql", NEXT.text + "select 1/0;\n")
    monkeypatch.setattr(core_migrations, "migration_files", lambda: (*migration_files(), broken))
    with lab.worker("chain") as worker:
        with pytest.raises(MigrationFailed, match=r"0002_next\.sql: division by zero; nothing was changed"):
            migrate(lab.dsn)
        lab.completed(lab.start("chain", 1))
        assert worker.stop() == 0
    assert lab.sql("select pgflow.schema_version() as version") == [{"version": 1}]


def test_the_older_program_refuses_the_upgraded_database(bare_database_dsn: str, newer: None) -> None:
    assert migrate(bare_database_dsn).core[-1] == "0002_next.sql"
    assert migrate(bare_database_dsn).is_empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core_migrations, "migration_files", migration_files)
        patch.setattr(core_migrations, "SCHEMA_VERSION", 1)
        with pytest.raises(CoreTooNew):
            migrate(bare_database_dsn)


def test_signatures_survive(bare_database_dsn: str, newer: None) -> None:
    """What 0002 replaced has kept names, parameters, defaults and results: PostgreSQL refuses other defaults
    and results, and another parameter would have made a second function."""
    migrate(bare_database_dsn)
    with psycopg.connect(bare_database_dsn) as connection:
        rows = connection.execute(
            """select proname from pg_proc where pronamespace = 'pgflow'::regnamespace
               group by 1 having count(*) > 1"""
        ).fetchall()
    assert rows == []
