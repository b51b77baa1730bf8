"""Who keeps a migration waiting: sessions that hold what it has to change."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from pgflow_runtime.database.store import connected
from pgflow_runtime.errors import PgflowError

_SESSIONS: Final = """
select a.pid, a.usename::text, a.application_name, coalesce(a.state, 'in a transaction'),
  extract(epoch from clock_timestamp() - a.xact_start)::int
from pg_stat_activity a
where a.pid <> pg_backend_pid()
  and a.datname = current_database()
  and exists (
    select 1
    from pg_locks l
    left join pg_class c on c.oid = l.relation
    left join pg_namespace n on n.oid = c.relnamespace
    where l.pid = a.pid and l.granted
      and (
        (n.nspname in ('pgflow', 'pgmq') and l.mode not in ('AccessShareLock', 'RowShareLock'))
        or (n.nspname in ('pgflow', 'pgmq') and a.state like 'idle in transaction%%')
        or (l.locktype = 'advisory' and l.objsubid = 1 and (l.classid::bigint << 32 | l.objid::bigint) = %s)
      )
  )
order by a.xact_start nulls last
limit 3
"""


def who_is_in_the_way(conninfo: str, key: int) -> str:
    """A few sessions, in words, the oldest first; ``key``: of the advisory lock of all migrations."""
    try:
        with connected(conninfo, autocommit=True) as connection:
            rows = connection.execute(_SESSIONS, [key]).fetchall()
    except PgflowError:
        rows = []
    return ", ".join(map(_words, rows)) or "a session that has ended meanwhile"


def _words(row: tuple[Any, ...]) -> str:
    pid, user, name, state, seconds = row
    since = f" for {seconds} s" if seconds is not None else ""
    return f"session {pid} ({user}{f', {name}' if name else ''}; {state}{since})"


def is_lock(error: PgflowError) -> bool:
    """Whether an error of ours says that a lock was not to be had in time."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
