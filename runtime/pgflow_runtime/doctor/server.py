"""The server itself: its version, and whether it takes writes."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.database.encodings import what_is_wrong_with
from pgflow_runtime.doctor.finding import Finding, note, ok, problem, warning
from pgflow_runtime.doctor.inspection import Inspection

OLDEST = 14
WARN_AGE, LAST_AGE = 1_000_000_000, 1_600_000_000
"""Transactions since the oldest row was frozen; PostgreSQL stops taking writes near 2.1 billion."""


def check_server(inspection: Inspection) -> Iterator[Finding]:
    row = inspection.row(
        """
        select current_setting('server_version_num')::int / 10000 as major,
          current_setting('server_version') as version,
          pg_is_in_recovery() as is_standby,
          current_setting('server_encoding') as encoding,
          age(d.datfrozenxid) as age
        from pg_catalog.pg_database d where d.datname = current_database()
        """
    )
    if row["major"] < OLDEST:
        yield problem(
            "server.version",
            f"PostgreSQL {row['version']} is older than {OLDEST}",
            f"upgrade the server to {OLDEST} or newer",
        )
    else:
        yield ok("server.version", f"PostgreSQL {row['version']}")
    if row["encoding"] != "UTF8":
        yield warning(
            "server.encoding",
            f"the database is encoded in {row['encoding']}: {what_is_wrong_with(row['encoding'])}",
            "move to a database made with `encoding 'UTF8'`",
        )
    if row["is_standby"]:
        yield problem(
            "server.read-only",
            "the server is a standby: nothing can be started or completed here",
            "name the primary server",
        )
    if row["age"] > WARN_AGE:
        judge = problem if row["age"] > LAST_AGE else warning
        yield judge(
            "server.transaction-ids",
            f"the oldest row is {row['age']:,} transactions old; at about 2.1 billion the server stops",
            "find out what keeps autovacuum from freezing: old transactions, slots, a disabled autovacuum;"
            " then `vacuum freeze`",
        )
    elif row["age"] > WARN_AGE // 2:
        yield note("server.transaction-ids", f"the oldest row is {row['age']:,} transactions old")
