"""The migrations of the core lead to the very schema that its files describe."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
from pgmq.install import get_embedded_install_sql

from pgflow_runtime.database.embedded.binaries import NEWEST, binaries
from pgflow_runtime.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]


def dump(dsn: str) -> list[str]:
    """The schema pgflow as pg_dump tells it, without what differs from call to call."""
    command = [str(binaries(NEWEST, None) / "pg_dump"), "--schema-only", "--no-owner", "--schema=pgflow", dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not re.match(r"\\(un)?restrict ", line)]


def test_migrated_database_has_the_same_schema_as_the_schema_files(
    new_database: Callable[[str], str],
) -> None:
    migrated = new_database("bare")
    migrate(migrated)
    expected = dump(new_database("plain"))
    assert any("CREATE FUNCTION pgflow.start_flow" in line for line in expected)
    assert dump(migrated) == expected


def test_a_drafted_migration_leads_to_the_changed_schema(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    """Functions that changed in text, settings and privileges; what is by hand stays by hand."""
    root = tmp_path / "pgflow_sql"
    shutil.copytree(ROOT / "sql" / "pgflow_sql", root)
    script = [sys.executable, str(ROOT / "scripts" / "core_migration.py"), "--root", str(root)]
    subprocess.run([*script, "--ship"], check=True)
    for name in ("claim_tasks.sql", "get_run_with_states.sql", "_complete.sql"):
        (path,) = (root / "schema").rglob(name)
        path.write_text(re.sub(r"(?m)^begin$", "begin  -- again", path.read_text(encoding="utf-8")))
    subprocess.run([*script, "--draft", "again"], check=True, capture_output=True)
    upgraded, fresh = new_database("bare"), new_database("bare")
    migrate(upgraded)
    with psycopg.connect(upgraded) as connection:
        connection.execute((root / "migrations" / "0002_again.sql").read_bytes())
    with psycopg.connect(fresh) as connection:
        connection.execute(get_embedded_install_sql())
        for path in sorted((root / "schema").rglob("*.sql")):
            connection.execute(path.read_bytes())
    assert any("again" in line for line in dump(fresh))
    assert dump(upgraded) == dump(fresh)
