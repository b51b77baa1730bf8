"""A look at a pooled connection before it is handed out, without a round trip while all is quiet."""

from __future__ import annotations

import select
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool


def _is_quiet(fileno: int) -> bool:
    """Nothing has arrived on an idle connection; a server that ended it would have said so."""
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return not poll.poll(0)


async def acheck(connection: AsyncConnection[Any]) -> None:
    """Raise psycopg's OperationalError for a connection the server has ended."""
    if not _is_quiet(connection.fileno()):
        await AsyncConnectionPool.check_connection(connection)


def check(connection: Connection[Any]) -> None:
    """Raise psycopg's OperationalError for a connection the server has ended."""
    if not _is_quiet(connection.fileno()):
        ConnectionPool.check_connection(connection)
