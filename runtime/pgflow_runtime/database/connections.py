"""Opening connections and pools: the only place that does (``tests/unit/database`` holds everybody to it)."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection, Connection, IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from pgflow_runtime.database.kinds import ConnectionKind
from pgflow_runtime.database.own_transactions import (
    LOOK,
    READ_ONLY,
    REPORTED,
    asay_transactions,
    say_transactions,
)
from pgflow_runtime.database.pinning import is_pinned, pinning
from pgflow_runtime.database.values import ADAPTERS
from pgflow_runtime.forks import keep


def connect(
    conninfo: str,
    kind: ConnectionKind,
    *,
    autocommit: bool = True,
    prepare_threshold: int | None = 5,
    row_factory: Any = tuple_row,
) -> Connection[Any]:
    """A connection with the kind's settings. Raises psycopg.Error."""
    connection: Connection[Any] = Connection.connect(
        conninfo,
        autocommit=True,
        prepare_threshold=prepare_threshold,
        row_factory=row_factory,
        **_parameters(conninfo, kind),
    )
    try:
        _configure(connection, kind, autocommit)
    except BaseException:
        connection.close()
        raise
    return connection


async def aconnect(
    conninfo: str,
    kind: ConnectionKind,
    *,
    autocommit: bool = True,
    prepare_threshold: int | None = 5,
    row_factory: Any = tuple_row,
) -> AsyncConnection[Any]:
    """The same for the event loop."""
    connection: AsyncConnection[Any] = await AsyncConnection.connect(
        conninfo,
        autocommit=True,
        prepare_threshold=prepare_threshold,
        row_factory=row_factory,
        **_parameters(conninfo, kind),
    )
    try:
        await _aconfigure(connection, kind, autocommit)
    except BaseException:
        await connection.close()
        raise
    return connection


def make_pool(
    conninfo: str,
    kind: ConnectionKind,
    *,
    max_size: int,
    min_size: int = 0,
    autocommit: bool = True,
    prepare_threshold: int | None = 5,
    row_factory: Any = tuple_row,
    **options: Any,
) -> ConnectionPool[Connection[Any]]:
    """A pool of such connections, not opened yet; ``options`` are the pool's own (``timeout``, ``name``)."""
    return ConnectionPool(
        conninfo,
        min_size=min_size,
        max_size=max_size,
        open=False,
        kwargs=_pool_arguments(conninfo, kind, prepare_threshold, row_factory),
        configure=lambda connection: _configure(connection, kind, autocommit),
        **options,
    )


def amake_pool(
    conninfo: str,
    kind: ConnectionKind,
    *,
    max_size: int,
    min_size: int = 0,
    autocommit: bool = True,
    prepare_threshold: int | None = 5,
    row_factory: Any = tuple_row,
    **options: Any,
) -> AsyncConnectionPool[AsyncConnection[Any]]:
    """The same for the event loop."""

    async def configure(connection: AsyncConnection[Any]) -> None:
        await _aconfigure(connection, kind, autocommit)

    return AsyncConnectionPool(
        conninfo,
        min_size=min_size,
        max_size=max_size,
        open=False,
        kwargs=_pool_arguments(conninfo, kind, prepare_threshold, row_factory),
        configure=configure,
        **options,
    )


def application_name(conninfo: str) -> str:
    """What pg_stat_activity shows, unless the connection string names something."""
    return str(conninfo_to_dict(conninfo).get("application_name") or "pgflow-gen")


def _parameters(conninfo: str, kind: ConnectionKind) -> dict[str, Any]:
    """The encoding and name are ours, the kind's parameters count where the connection string is silent."""
    given = conninfo_to_dict(conninfo)
    return {
        **{name: value for name, value in kind.parameters.items() if name not in given},
        **({} if kind.is_users else {"context": ADAPTERS}),
        "client_encoding": "UTF8",
        "application_name": application_name(conninfo),
    }


def _pool_arguments(
    conninfo: str, kind: ConnectionKind, prepare_threshold: int | None, row_factory: Any
) -> dict[str, Any]:
    return {
        "autocommit": True,
        "prepare_threshold": prepare_threshold,
        "row_factory": row_factory,
        **_parameters(conninfo, kind),
    }


def _configure(connection: Connection[Any], kind: ConnectionKind, autocommit: bool) -> None:
    keep(connection)
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(pinning(kind, connection.info), prepare=False)
        if not is_pinned(cursor):
            found = cursor.execute(LOOK, [kind.settings[READ_ONLY]], prepare=False).fetchone()
            has_our_transactions, has_our_looks = found or (True, True)
            if not has_our_looks:
                cursor.execute(REPORTED, prepare=False)
            if not has_our_transactions:
                connection.read_only = kind.settings[READ_ONLY] == "on"
                say_transactions(connection, kind)
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    connection.autocommit = autocommit


async def _aconfigure(connection: AsyncConnection[Any], kind: ConnectionKind, autocommit: bool) -> None:
    keep(connection)
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(pinning(kind, connection.info), prepare=False)
        if not is_pinned(cursor):
            await cursor.execute(LOOK, [kind.settings[READ_ONLY]], prepare=False)
            has_our_transactions, has_our_looks = await cursor.fetchone() or (True, True)
            if not has_our_looks:
                await cursor.execute(REPORTED, prepare=False)
            if not has_our_transactions:
                await connection.set_read_only(kind.settings[READ_ONLY] == "on")
                asay_transactions(connection, kind)
    await connection.set_isolation_level(IsolationLevel.READ_COMMITTED)
    await connection.set_autocommit(autocommit)
