"""Connections to the database: every one the runtime opens is opened here, with what we rely on pinned.

``connections`` opens them, ``kinds`` says what each kind of connection is opened with.
"""

from __future__ import annotations

from pgflow_runtime.database.connections import aconnect, amake_pool, application_name, connect, make_pool
from pgflow_runtime.database.kinds import (
    ADMIN,
    CLIENT,
    DOCTOR,
    ENGINE,
    HANDLER,
    HEARTBEAT,
    LISTENER,
    LIVE,
    MAINTENANCE,
    PAGES,
    ConnectionKind,
)

__all__ = [
    "ADMIN",
    "CLIENT",
    "DOCTOR",
    "ENGINE",
    "HANDLER",
    "HEARTBEAT",
    "LISTENER",
    "LIVE",
    "MAINTENANCE",
    "PAGES",
    "ConnectionKind",
    "aconnect",
    "amake_pool",
    "application_name",
    "connect",
    "make_pool",
]
