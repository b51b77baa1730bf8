"""The statement that pins a kind's settings on a new session, in one round trip.

A pooler that lends its connections for one transaction would pass a session's settings on to strangers. It
shows: the process that answers is not the one that the connection was promised. There nothing is set.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import psycopg

from pgflow_runtime.database.kinds import CUT_OFF, SINCE, WATCHED, ConnectionKind

_LIMITS = ("statement_timeout", "transaction_timeout")


def pinning(kind: ConnectionKind, info: psycopg.ConnectionInfo) -> bytes:
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
    calls = ", ".join([calls, *map(_cut_off, CUT_OFF.items()), _watched(*WATCHED)])
    unlimited = "".join(f"set local {name} = 0; " for name in _LIMITS if version >= SINCE.get(name, 0))
    return f"begin; {unlimited}{_select(calls)}; commit".encode()


def _cut_off(setting: tuple[str, int]) -> str:
    """Set where the server would wait longer, or as long as its system does."""
    name, most = setting
    current = f"pg_catalog.current_setting('{name}')::pg_catalog.int4"
    is_shorter = f"(pg_catalog.int4ge({current}, 1) and pg_catalog.int4le({current}, {most}))"
    return f"case when not {is_shorter} then pg_catalog.set_config('{name}', '{most}', false) end"


def _watched(name: str, value: str) -> str:
    is_open = f"pg_catalog.current_setting('{name}') operator(pg_catalog.=) '0'"
    can = "pg_catalog.version() operator(pg_catalog.~) 'linux'"
    return f"case when {is_open} and {can} then pg_catalog.set_config('{name}', '{value}', false) end"


def _select(calls: str) -> str:
    return f"select {calls} where pg_catalog.pg_backend_pid() operator(pg_catalog.=) $PID"
