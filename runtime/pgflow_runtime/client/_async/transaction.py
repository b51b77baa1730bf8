"""What is done in a transaction of the caller's: it happens exactly if that commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from pgflow_runtime.database.store import translated
from pgflow_runtime.errors import UsageError


async def rows_on(
    conn: AsyncConnection[Any], statement: LiteralString, values: Mapping[str, object] | Sequence[object]
) -> list[tuple[Any, ...]]:
    """A query's rows, whatever the connection makes of rows by itself. Raises what the database says.

    An error ends the caller's transaction, as any error of a statement does.
    """
    given: object = conn
    if not isinstance(given, AsyncConnection):
        raise UsageError(
            f"conn is no connection of psycopg for this client, but {type(given).__name__}",
            help="an async client takes an AsyncConnection, a sync one a Connection",
        )
    with translated():
        async with conn.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(statement, values)
            return await cursor.fetchall()
