"""The dashboard's way to act: one short connection an order, as pgflow_operator where that exists."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

from pgflow_runtime.database import CLIENT, aconnect
from pgflow_runtime.database.store import translated
from pgflow_runtime.errors import DatabaseError, PermissionDenied, UsageError
from pgflow_runtime.migrate.roles import OPERATOR

AT_ONCE = 2
"""Orders at a time; others wait for their turn."""
LIMIT = "30s"
"""How long one statement may take."""


class Control:
    """Gives orders to the core. Raises our errors, in words for who pressed a button."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def call(self, statement: LiteralString, **values: object) -> list[tuple[Any, ...]]:
        """One statement in a transaction of its own; its rows."""
        try:
            async with self._turns:
                return await self._call(statement, values)
        except PermissionDenied as error:
            raise PermissionDenied(
                f"The dashboard's database user may not do this ({error.message}).",
                help=f"Let an administrator grant {OPERATOR} to it, and start the dashboard again.",
            ) from error
        except DatabaseError as error:
            if error.sqlstate == "57014":
                raise UsageError(
                    "This took too long, so it was given up.",
                    help="Choose fewer runs, such as a shorter time.",
                ) from error
            raise

    async def _call(self, statement: LiteralString, values: dict[str, object]) -> list[tuple[Any, ...]]:
        with translated(self._conninfo):
            connection = await aconnect(self._conninfo, CLIENT)
            async with connection, connection.transaction():
                await connection.execute(f"set local statement_timeout = '{LIMIT}'".encode())
                cursor = await connection.execute(statement, values)
                return await cursor.fetchall()
