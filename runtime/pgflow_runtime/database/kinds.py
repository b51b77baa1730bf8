"""The kinds of connections, and the server's settings that each relies on: one table.

A database, a role, PGOPTIONS or a service file may set anything else. What is pinned here holds for the
session, whatever they say; what is not pinned stays as they say. Behind a pooler a session is not ours to
change: see ``pinning``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SINCE: Final[Mapping[str, int]] = {"transaction_timeout": 17}
"""Settings that PostgreSQL knows only from this version on; all others are known to 15."""

READABLE: Final[Mapping[str, str]] = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "exit_on_error": "off",
}
"""How values look, how statements are read, and what a transaction is: as psycopg and the core rely on it."""

OURS: Final[Mapping[str, str]] = {
    **READABLE,
    "search_path": "pg_catalog, pg_temp",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "backslash_quote": "safe_encoding",
    "escape_string_warning": "off",
    "quote_all_identifiers": "off",
    "row_security": "on",
    "check_function_bodies": "on",
    "client_min_messages": "warning",
    "gin_fuzzy_search_limit": "0",
    "plpgsql.extra_errors": "none",
    "plpgsql.extra_warnings": "none",
}
"""The same for connections on which nobody but us says anything: nothing is left to chance."""

UNLIMITED: Final[Mapping[str, str]] = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
"""Limits meant for other people's statements. Where ours need limits, their kind says which."""

LOCK_LIMIT: Final = "2s"
"""How long somebody with other work to do waits for one lock."""

IMPATIENT: Final[Mapping[str, str]] = {
    **UNLIMITED,
    "lock_timeout": LOCK_LIMIT,
    "idle_in_transaction_session_timeout": "30s",
}
"""For who has other work than to wait for one lock, and must not keep one while it is frozen or cut off."""

PATIENT: Final[Mapping[str, str]] = {**IMPATIENT, "lock_timeout": "10s"}
"""For who has nothing else to do, but must not wait for ever."""

CUT_OFF: Final[Mapping[str, int]] = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""When a server is to give up a peer that answers no more, as ours does (``dsn``): whatever the session held
is free then. Seconds, a number, and milliseconds; a server that is less patient stays so."""

WATCHED: Final = ("client_connection_check_interval", "10s")
"""How often a server that works for somebody looks whether they are still there; where it can: on Linux."""


@dataclass(frozen=True, slots=True)
class ConnectionKind:
    """One kind of connection.

    ``settings`` are the server's, in its own spelling of names and values. ``parameters`` are libpq's, such
    as its keepalives, for connection strings that do not name them.
    """

    name: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    is_users: bool = False
    """Whether users' own statements run on it."""


ENGINE: Final = ConnectionKind("engine", {**OURS, **IMPATIENT})
"""The worker's dispatchers: claim, complete, fail."""

HEARTBEAT: Final = ConnectionKind("heartbeat", {**OURS, **IMPATIENT})
"""The worker's signs of life, and nothing else."""

MAINTENANCE: Final = ConnectionKind("maintenance", {**OURS, **IMPATIENT})
"""What a worker does for others, such as recovery and retention."""

LISTENER: Final = ConnectionKind("listener", {**OURS, **UNLIMITED})
"""LISTEN, of workers and clients."""

CLIENT: Final = ConnectionKind("client", {**OURS, **PATIENT})
"""Starting, reading and following runs."""

ADMIN: Final = ConnectionKind("admin", {**OURS, **PATIENT})
"""The commands: migrate, prune, runs."""

DOCTOR: Final = ConnectionKind(
    "doctor", {**OURS, **UNLIMITED, "default_transaction_read_only": "on", "statement_timeout": "10s"}
)
"""The doctor looks only, and must not be what ails a busy database."""

LIVE: Final = ConnectionKind(
    "live", {**OURS, **UNLIMITED, "statement_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}
)
"""The dashboard's following of runs: a page must never be what slows a database down."""

PAGES: Final = ConnectionKind("pages", {**LIVE.settings, "default_transaction_read_only": "on"})
"""What the dashboard's pages read."""

HANDLER: Final = ConnectionKind(
    "handler",
    {
        **READABLE,
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
        "transaction_timeout": "0",
    },
    is_users=True,
)
"""``ctx.conn()``: search path, time zone, rights and limits of single statements stay the user's own."""
