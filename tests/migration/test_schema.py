"""The migrations of the core lead to the very schema that its files describe."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

from pgflow_runtime.embedded.binaries import NEWEST, binaries
from pgflow_runtime.migrate import migrate


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
