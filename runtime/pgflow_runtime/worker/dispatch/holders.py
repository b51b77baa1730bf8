"""Sessions that hold runs from everybody else and will not let go by themselves: frozen, or cut off.

What the server's own limits end (``database.kinds``, ``BEFORE_COMMIT``) does not come here. This is for
sessions without them: behind a pooler, of an older worker, of a program that locks what is ours; and for
those that nothing but their end can stop, as they wait for a frozen worker to take their answer.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any, Final

import psycopg

from pgflow_runtime.database.arrays import plain
from pgflow_runtime.worker.dispatch.core_connection import ConnectionClosed, CoreConnection
from pgflow_runtime.worker.logs import logger

ALLOWED: Final = 30
"""Seconds a session may hold a run without doing anything; a silent worker counts as dead as long."""
PERIOD: Final = 5.0
"""Seconds between two looks."""

_END: Final = """
select h.pid, a.usename::text, a.application_name, a.client_addr::text, a.state,
  extract(epoch from clock_timestamp() - a.state_change)::int,
  case
    when a.datname = current_database() and pg_has_role(a.usesysid, 'USAGE')
      and a.state_change < clock_timestamp() - make_interval(secs => %s)
      and (a.state like 'idle in transaction%%' or (a.state = 'active' and a.wait_event = 'ClientWrite'))
      then pg_terminate_backend(h.pid)
  end
from {holders} h(pid)
join pg_stat_activity a on a.pid = h.pid
"""
END_HOLDERS: Final = _END.format(holders="pgflow.lock_holders(%s::uuid[])")
END_STUCK: Final = _END.format(
    holders="""(
  select pgflow.lock_holders(array(select pgflow.stuck_runs()))
  union
  select s.pid from pg_stat_activity s
  where s.state = 'active' and s.wait_event = 'ClientWrite'
    and exists (
      select 1 from pg_locks l
      where l.pid = s.pid and l.relation = 'pgflow.step_tasks'::regclass and l.mode = 'RowExclusiveLock'
    )
)"""
)
"""Also those that hold tasks which they are still telling of."""


class Told:
    """Says what was ended, and once of each session that may not be."""

    def __init__(self) -> None:
        self._foreign: set[int] = set()

    def __call__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for pid, user, name, address, state, seconds, has_ended in rows:
            who = f"{pid} ({user}, {name or 'no name'}, {address or 'local'})"
            if has_ended:
                logger.warning("ended session %s: it held runs, %s for %s s", who, state, seconds)
            elif state is None and pid not in self._foreign:
                self._foreign.add(pid)
                logger.warning("session %s holds runs; it is not ours to end", who)


class Holders:
    """Ends what holds runs that have results waiting; it never raises what the database says."""

    def __init__(self, allowed: int = ALLOWED) -> None:
        self._allowed = allowed
        self._looked_at = float("-inf")
        self._tell = Told()

    async def end(self, connection: CoreConnection, run_ids: Collection[str]) -> None:
        """Look who holds these runs, unless that was done a moment ago. Callers hold the link's lock."""
        if not run_ids or time.monotonic() < self._looked_at + PERIOD:
            return
        self._looked_at = time.monotonic()
        try:
            self._tell(await connection.call_locked(END_HOLDERS, (self._allowed, plain(run_ids))))
        except (psycopg.Error, ConnectionClosed) as error:
            logger.debug("cannot see who holds runs: %s", error)
