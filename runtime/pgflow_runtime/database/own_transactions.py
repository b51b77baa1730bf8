"""Connections that keep to themselves behind a pooler that lends its sessions for one transaction.

There a session is everybody's: what we set would reach strangers, and what a database sets reaches us. So
where a database's transactions are not what we need, each statement gets one of its own, in the same round
trip. Where nothing is set, which is the usual case, nothing is changed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus

from pgflow_runtime.database.kinds import ConnectionKind

READ_ONLY: Final = "default_transaction_read_only"

LOOK: Final = """
select
  pg_catalog.current_setting('default_transaction_isolation') = 'read committed'
    and pg_catalog.current_setting('default_transaction_deferrable') = 'off'
    and pg_catalog.current_setting('default_transaction_read_only') = %s,
  pg_catalog.current_setting('DateStyle') like 'ISO%%'
    and pg_catalog.current_setting('standard_conforming_strings') = 'on'
"""
"""Whether the database's own transactions are as we need them; whether times look as psycopg reads them, and
texts in the queue's functions are read as they were written."""

REPORTED: Final = "set DateStyle = 'ISO, MDY'; set standard_conforming_strings = on"
"""What is set all the same where it differs: a pooler is told of these, and keeps them to this client."""


def say_transactions(connection: Connection[Any], kind: ConnectionKind) -> None:
    """Have each statement of an autocommitting connection run in a transaction that says what it is."""
    connection.execute = partial(_execute, connection, _begin(kind))  # type: ignore[method-assign]


def asay_transactions(connection: AsyncConnection[Any], kind: ConnectionKind) -> None:
    """The same for the event loop."""
    connection.execute = partial(_aexecute, connection, _begin(kind))  # type: ignore[method-assign]


def _begin(kind: ConnectionKind) -> bytes:
    access = b"read only" if kind.settings[READ_ONLY] == "on" else b"read write"
    return b"begin isolation level read committed, " + access + b", not deferrable"


def _execute(
    connection: Connection[Any], begin: bytes, query: Any, params: Any = None, **options: Any
) -> psycopg.Cursor[Any]:
    cursor = connection.cursor()
    if not connection.autocommit or connection.info.transaction_status != TransactionStatus.IDLE:
        return cursor.execute(query, params, **options)
    try:
        with connection.pipeline(), connection.cursor() as around:
            around.execute(begin)
            cursor.execute(query, params, **options)
            around.execute(b"commit")
    except psycopg.Error:
        _end(connection)
        raise
    return cursor


def _end(connection: Connection[Any]) -> None:
    if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
        connection.rollback()


async def _aexecute(
    connection: AsyncConnection[Any], begin: bytes, query: Any, params: Any = None, **options: Any
) -> psycopg.AsyncCursor[Any]:
    cursor = connection.cursor()
    if not connection.autocommit or connection.info.transaction_status != TransactionStatus.IDLE:
        return await cursor.execute(query, params, **options)
    try:
        async with connection.pipeline(), connection.cursor() as around:
            await around.execute(begin)
            await cursor.execute(query, params, **options)
            await around.execute(b"commit")
    except psycopg.Error:
        await _aend(connection)
        raise
    return cursor


async def _aend(connection: AsyncConnection[Any]) -> None:
    if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
        await connection.rollback()
