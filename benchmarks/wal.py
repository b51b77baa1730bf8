"""What was written to the WAL between two places, read by ``pg_waldump``: exact, and at once.

The statistics views lag behind by up to ten seconds; the records do not.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass

import psycopg

from benchmarks.server import BenchmarkError, Server

_LINE = re.compile(r"^(?P<kind>[A-Za-z0-9_]+/[A-Z_+0-9]+)\s+(?P<count>\d+) \(")


@dataclass(frozen=True)
class WalCounts:
    """``bytes`` of WAL, commits of transactions that wrote, updates of rows, and those that were HOT."""

    bytes: int
    commits: int
    updates: int
    hot_updates: int

    @property
    def hot_share(self) -> float | None:
        return self.hot_updates / self.updates if self.updates else None


def position(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """Where the next record will be."""
    row = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone()
    assert row is not None
    return str(row[0])


def count(
    server: Server, connection: psycopg.Connection[tuple[object, ...]], start: str, end: str
) -> WalCounts:
    """Count the records from ``start`` to ``end``."""
    if start == end:
        return WalCounts(0, 0, 0, 0)
    _until_flushed(connection, end)
    done = subprocess.run(
        [server.programs / "pg_waldump", "--stats=record", "-p", server.wal, "-s", start, "-e", end],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchmarkError(f"pg_waldump failed: {done.stderr.strip()}")
    counts: dict[str, int] = {}
    for line in done.stdout.splitlines():
        match = _LINE.match(line.strip())
        if match:
            kind = match["kind"].removesuffix("+INIT")
            counts[kind] = counts.get(kind, 0) + int(match["count"])
    hot = counts.get("Heap/HOT_UPDATE", 0)
    return WalCounts(
        bytes=_offset(end) - _offset(start),
        commits=counts.get("Transaction/COMMIT", 0),
        updates=hot + counts.get("Heap/UPDATE", 0),
        hot_updates=hot,
    )


def _offset(position: str) -> int:
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _until_flushed(connection: psycopg.Connection[tuple[object, ...]], end: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        row = connection.execute("select pg_current_wal_flush_lsn() >= %s::pg_lsn", [end]).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(0.05)
    raise BenchmarkError("the server does not write its WAL")
