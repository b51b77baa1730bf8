"""Connections out of a pool, but none that the server has ended meanwhile; without a round trip.

A pool's own check would pause longer and longer from one dead connection to the next, and after a restart of
the server all of them are.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from pgflow_runtime.database.refusals import is_lost
from pgflow_runtime.errors import UsageError

ConnectionT = TypeVar("ConnectionT", bound=Connection[Any])
AsyncConnectionT = TypeVar("AsyncConnectionT", bound=AsyncConnection[Any])


def is_alive(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Whether the server has not ended an idle connection; it would have said so."""
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        for _ in range(3):  # its last words, and the end
            if not poll.poll(0):
                break
            connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return not connection.broken


_inherited: list[object] = []
_unopened: WeakSet[ConnectionPool[Any]] = WeakSet()
_loopless: WeakSet[AsyncConnectionPool[Any]] = WeakSet()


def keep_inherited(part: object) -> None:
    """In a forked child: let something of the parent's never end here, where its end would be a lie."""
    _inherited.append(part)


def after_fork(pool: ConnectionPool[ConnectionT]) -> ConnectionPool[ConnectionT]:
    """The pool of a client that was connected before the fork: opened when the child first asks for it."""
    _unopened.add(pool)
    return pool


def aafter_fork(pool: AsyncConnectionPool[AsyncConnectionT]) -> AsyncConnectionPool[AsyncConnectionT]:
    """The same of an async client, whose event loop the child does not have: nobody gets a connection."""
    _loopless.add(pool)
    return pool


def demand_loop(pool: ConnectionPool[Any]) -> None:
    """Threads are begun as they are needed."""


def ademand_loop(pool: AsyncConnectionPool[Any]) -> None:
    """Raises UsageError: the client belongs to the event loop of the parent process."""
    if pool in _loopless:
        raise UsageError(
            "this client was connected before its process was forked",
            help="connect it in the process that uses it: an event loop does not survive a fork",
        )


def take(pool: ConnectionPool[ConnectionT]) -> ConnectionT:
    """A connection that lives; to be given back with ``putconn``."""
    if pool in _unopened:
        pool.open()
        _unopened.discard(pool)
    while not is_alive(connection := pool.getconn()):
        pool.putconn(connection)  # which lets go of it
    return connection


async def atake(pool: AsyncConnectionPool[AsyncConnectionT]) -> AsyncConnectionT:
    """The same of an async pool."""
    ademand_loop(pool)
    while not is_alive(connection := await pool.getconn()):
        await pool.putconn(connection)
    return connection


@contextmanager
def borrow(pool: ConnectionPool[ConnectionT]) -> Iterator[ConnectionT]:
    """An autocommitting connection that lives, for the block; one that leads nowhere is let go of."""
    connection = take(pool)
    try:
        yield connection
    except psycopg.Error as error:
        if is_lost(error):
            connection.close()
        raise
    finally:
        pool.putconn(connection)


@asynccontextmanager
async def aborrow(pool: AsyncConnectionPool[AsyncConnectionT]) -> AsyncIterator[AsyncConnectionT]:
    """The same of an async pool."""
    connection = await atake(pool)
    try:
        yield connection
    except psycopg.Error as error:
        if is_lost(error):
            await connection.close()
        raise
    finally:
        await pool.putconn(connection)
