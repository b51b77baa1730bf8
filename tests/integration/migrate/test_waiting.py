"""A migration behind somebody who holds what it has to change: it says who, lets others pass, and ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime import migrate as package
from pgflow_runtime.errors import MigrationFailed
from pgflow_runtime.migrate import LOCK_KEY, migrate
from tests.support.migrations import migration
from tests.support.project import Project, clean_environment
from tests.support.wait import eventually

LOCK = "lock table pgflow.flows in access exclusive mode"


@pytest.fixture
def migrated(bare_database_dsn: str) -> str:
    migrate(bare_database_dsn)
    return bare_database_dsn


def _is_idle(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    return f"session {connection.info.backend_pid} (postgres, psql; idle in transaction for "


def test_it_says_whom_it_waits_for_and_goes_on(migrated: str, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", {"generated/migrations/0001_crawl.sql": migration().text})
    log = tmp_path / "log"
    with psycopg.connect(migrated, application_name="psql") as holder, log.open("wb") as sink:
        holder.execute(LOCK.encode())
        process = subprocess.Popen(
            [sys.executable, "-m", "pgflow_gen", "migrate", "--dsn", migrated],
            cwd=project.root,
            env=clean_environment(),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        eventually(lambda: f"note: waiting for {_is_idle(holder)}" in log.read_text())
        holder.rollback()
        assert process.wait(60) == 0, log.read_text()
        assert "flow: applied 0001_crawl.sql" in log.read_text()


@pytest.mark.parametrize("held", [LOCK, f"select pg_advisory_xact_lock({LOCK_KEY})"])
def test_it_gives_up_and_says_what_to_do(migrated: str, held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "ATTEMPTS", 2)
    monkeypatch.setattr(package, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(package, "QUEUE_TIMEOUT", "50ms")
    told: list[str] = []
    with psycopg.connect(migrated, application_name="psql") as holder:
        holder.execute(held.encode())
        with pytest.raises(MigrationFailed) as raised:
            migrate(migrated, (migration(),), tell=told.append)
        assert "the migration needs a lock that others hold: " in str(raised.value)
        assert _is_idle(holder) in str(raised.value)
        assert "pg_terminate_backend" in str(raised.value.help)
        assert len(told) == 1
        assert _is_idle(holder) in told[0]
        holder.rollback()
    assert migrate(migrated, (migration(),)).flows == ["0001_crawl.sql"]
