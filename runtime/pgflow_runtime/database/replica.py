"""A streaming replica that is read instead of its primary: whether it is one, and how far behind it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import errors as pg
from psycopg.rows import tuple_row

from pgflow_runtime.errors import UsageError
from pgflow_shared.text import counted

BEHIND: Final = 10.0
"""Seconds from which on what a replica says is to be read with care."""

_IDENTITY: Final = """
select d.oid::int8, pg_postmaster_start_time(), pg_is_in_recovery()
from pg_catalog.pg_database d where d.datname = current_database()
"""
_SYSTEM: Final = "select system_identifier from pg_control_system()"

UNTOLD: Final = (pg.InsufficientPrivilege, pg.FeatureNotSupported, pg.UndefinedFunction)
"""What a server says that does not tell of its WAL: some that are PostgreSQL by name, or not this user."""

WRITTEN: Final = "select pg_current_wal_insert_lsn()::text as lsn"
"""Of a primary: where the next record will be, so that all that was committed stands before it."""

LAG: Final = """
select pg_is_in_recovery() as is_standby,
  pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn as has_replayed,
  case
    -- what was received is replayed, and there is somebody to receive more
    when pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()
      and exists (select from pg_catalog.pg_stat_wal_receiver) then 0.0
    else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
  end::float8 as seconds
"""
"""A row of ``Lag``. An ``lsn`` of the primary says more than times do, which stop where nobody writes."""


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """Which database of which cluster a connection leads to, and on which of its servers."""

    system: int | None
    """The cluster, which a standby has from its primary; None where this user may not know."""
    database: int
    started_at: datetime
    is_standby: bool

    @classmethod
    def of(cls, connection: psycopg.Connection[Any]) -> DatabaseIdentity:
        """Where an autocommitting connection leads. Raises psycopg.Error."""
        with connection.cursor(row_factory=tuple_row) as cursor:
            database, started_at, is_standby = cursor.execute(_IDENTITY).fetchone() or (
                0,
                datetime.max,
                False,
            )
            try:
                (system,) = cursor.execute(_SYSTEM).fetchone() or (None,)
            except UNTOLD:
                system = None
        return cls(system, database, started_at, is_standby)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a replica is behind."""

    is_standby: bool
    has_replayed: bool | None
    """Whether it has all up to the ``lsn`` that was asked for; None without one."""
    seconds: float | None
    """None where its server does not say."""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Lag:
        seconds = row["seconds"]
        if row["has_replayed"]:
            seconds = 0.0
        return cls(row["is_standby"], row["has_replayed"], None if seconds is None else max(0.0, seconds))

    @classmethod
    def unknown(cls) -> Lag:
        return cls(True, None, None)

    @property
    def is_long(self) -> bool:
        return self.seconds is not None and self.seconds > BEHIND

    def __str__(self) -> str:
        """The end of a sentence about the replica."""
        if not self.is_standby:
            return "is no standby any more"
        if self.seconds is None:
            return "does not say how far it is behind"
        if self.seconds < 1:
            return "is up to date"
        return f"is {counted(round(self.seconds), 'second')} behind"


def check_replica(primary: DatabaseIdentity, replica: DatabaseIdentity, source: str) -> str | None:
    """Whether one is a replica of the other; a note where they are the same server.

    Args:
        source: what named the replica, such as ``--read-dsn``.

    Raises:
        UsageError: what is read there would be of something else.
    """
    if None not in (primary.system, replica.system) and (primary.system, primary.database) != (
        replica.system,
        replica.database,
    ):
        raise UsageError(
            f"{source} names another database than --dsn, not a streaming replica of it",
            help="name the standby of the server that --dsn names, and the database of the same name",
        )
    if primary.started_at == replica.started_at:
        return f"{source} names the same server as --dsn: reading there takes no load off it"
    if replica.is_standby:
        return None
    if primary.is_standby:
        raise UsageError(
            f"--dsn names a standby and {source} its primary",
            help=f"name the primary in --dsn, which takes what people do, and the standby in {source}",
        )
    raise UsageError(
        f"the server that {source} names is no standby (any more): it takes writes of its own",
        help="name a standby of the server that --dsn names",
    )
