"""Sessions that hold runs from everybody else and will not let go by themselves: frozen, or cut off.

What the server's own limits end (``database.kinds``, ``BEFORE_COMMIT``) does not come here. This is for
sessions without them: behind a pooler, of an older worker, of a program that locks what is ours.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

import psycopg

from pgflow_runtime.arrays import plain
from pgflow_runtime.worker.link import Link, LinkClosed
from pgflow_runtime.worker.logs import logger

ALLOWED: Final = 30
"""Seconds a session may hold a run without doing anything; a silent worker counts as dead as long."""
PERIOD: Final = 5.0
"""Seconds between two looks."""

END_HOLDERS: Final = """
select h.pid, a.usename::text, a.application_name, a.client_addr::text, a.state,
  extract(epoch from clock_timestamp() - a.state_change)::int,
  case
    when a.datname = current_database() and pg_has_role(a.usesysid, 'USAGE')
      and a.state_change < clock_timestamp() - make_interval(secs => %s)
      and (a.state like 'idle in transaction%%' or (a.state = 'active' and a.wait_event = 'ClientWrite'))
      then pg_terminate_backend(h.pid)
  end
from pgflow.lock_holders(%s::uuid[]) h(pid)
join pg_stat_activity a on a.pid = h.pid
"""


class Holders:
    """Ends what holds runs, where it may, and says so; it never raises what the database says."""

    def __init__(self, allowed: int = ALLOWED) -> None:
        self._allowed = allowed
        self._looked_at = float("-inf")
        self._foreign: set[int] = set()

    async def end(self, link: Link, run_ids: Collection[str]) -> None:
        """Look who holds these runs, unless that was done a moment ago. Callers hold the link's lock."""
        if not run_ids or time.monotonic() < self._looked_at + PERIOD:
            return
        self._looked_at = time.monotonic()
        try:
            rows = await link.call_locked(END_HOLDERS, (self._allowed, plain(run_ids)))
        except (psycopg.Error, LinkClosed) as error:
            logger.debug("cannot see who holds runs: %s", error)
            return
        for pid, user, name, address, state, seconds, has_ended in rows:
            who = f"{pid} ({user}, {name or 'no name'}, {address or 'local'})"
            if has_ended:
                logger.warning("ended session %s: it held runs, %s for %s s", who, state, seconds)
            elif state is None and pid not in self._foreign:
                self._foreign.add(pid)
                logger.warning("session %s holds runs; it is not ours to end", who)
