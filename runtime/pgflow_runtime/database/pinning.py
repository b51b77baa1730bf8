"""The statement that pins a kind's settings on a new session, in one round trip.

A pooler that lends its connections for one transaction would pass a session's settings on to strangers. It
shows: the process that answers is not the one that the connection was promised. There nothing is set.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import psycopg

from pgflow_runtime.database.kinds import SINCE, Kind

_LIMITS = ("statement_timeout", "transaction_timeout")


def pinning(kind: Kind, info: psycopg.ConnectionInfo) -> bytes:
    """Several statements in one message: what they set must not depend on what they find."""
    settings = tuple(kind.settings.items())
    return _template(settings, info.server_version // 10_000).replace(b"$PID", b"%d" % info.backend_pid)


def is_pinned(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> bool:
    """Whether that statement, just executed, has set anything: not so behind a pooler."""
    is_set = False
    while True:
        is_set = is_set or (cursor.description is not None and cursor.rowcount == 1)
        if not cursor.nextset():
            return is_set


@lru_cache(maxsize=64)
def _template(settings: tuple[tuple[str, str], ...], version: int) -> bytes:
    calls = ", ".join(
        f"pg_catalog.set_config('{name}', '{value}', false)"
        for name, value in settings
        if version >= SINCE.get(name, 0)
    )
    unlimited = "".join(f"set local {name} = 0; " for name in _LIMITS if version >= SINCE.get(name, 0))
    return f"begin; {unlimited}{_select(calls)}; commit".encode()


def _select(calls: str) -> str:
    return f"select {calls} where pg_catalog.pg_backend_pid() operator(pg_catalog.=) $PID"
