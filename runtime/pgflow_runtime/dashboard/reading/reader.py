"""The dashboard's way to read the database: as pgflow_client where that exists, with a time limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, LiteralString
from uuid import UUID

from psycopg import errors as pg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from pgflow_runtime.client.checking import aborrow
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.replica import Replica
from pgflow_runtime.database import PAGES, amake_pool, application_name
from pgflow_runtime.database.refusals import Refusal, refusal_of_state
from pgflow_runtime.database.store import check_core_version, connected, translated
from pgflow_runtime.errors import ConnectionFailed, DatabaseError
from pgflow_runtime.migrate.roles import OWNER

CONNECTIONS = 4
CONFLICT_PAUSES = (0.1, 0.5)
"""Seconds until a reading is repeated that gave way: to what a replica had to replay, as a rule."""

Row = DictRow


def prepared_conninfo(conninfo: str, *roles: str) -> tuple[str, list[str]]:
    """The connection string with the role to act in, and notes for the user's eyes.

    The role is the first of ``roles`` that the database uses and this user may act as. Looks whether the
    database can be reached and holds the right core. Raises what is in the way.
    """
    notes: list[str] = []
    option = ""
    with connected(conninfo, row_factory=dict_row, autocommit=True) as connection:
        rows = connection.execute(statements.ROLES, {"owner": OWNER, "roles": list(roles)}).fetchall()
        there = {row["name"] for row in rows}
        for role in (role for role in roles if role in there):
            try:
                connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            except pg.InsufficientPrivilege:
                notes.append(f"this user may not act as {role}; the dashboard has fewer rights")
            else:
                option = f"-c role={role}"
                break
        core = connection.execute(statements.CORE_VERSION).fetchone()
        check_core_version(*(core["version"], core["client"]) if core else (0, 0))
    parts = conninfo_to_dict(conninfo)
    given = str(parts.get("options") or "")
    parts["options"] = f"{given} {option}".strip()
    parts["application_name"] = application_name(conninfo)
    return make_conninfo("", **parts), notes


class Reader:
    """A small pool of connections that can only read. Every method raises our errors."""

    def __init__(self, conninfo: str, replica: Replica | None = None) -> None:
        self._conninfo = conninfo
        self._replica = replica
        self._pool = amake_pool(
            conninfo,
            PAGES,
            min_size=1,
            max_size=CONNECTIONS,
            row_factory=dict_row,
            timeout=10,
            name="pgflow-dashboard",
        )

    async def open(self) -> None:
        with translated(self._conninfo):
            await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def rows(self, statement: LiteralString, **values: object) -> list[Row]:
        """All rows of a statement of ``statements``."""
        for pause in CONFLICT_PAUSES:
            try:
                return await self._rows(statement, values)
            except DatabaseError as error:
                if refusal_of_state(error.sqlstate or "") is not Refusal.CONFLICT:
                    raise
                await asyncio.sleep(pause)
        return await self._rows(statement, values)

    async def _rows(self, statement: LiteralString, values: Mapping[str, object]) -> list[Row]:
        try:
            with translated(self._conninfo):
                async with aborrow(self._pool) as connection:
                    rows = await (await connection.execute(statement, values)).fetchall()
                    if self._replica is not None:
                        await self._replica.look(connection)
                    return rows
        except ConnectionFailed as error:
            if self._replica is not None:
                self._replica.lose()
                error.help = self._replica.way_out
            raise

    async def row(self, statement: LiteralString, **values: object) -> Row | None:
        """The first row."""
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def progress(self, run_id: UUID, steps: Mapping[str, object]) -> Mapping[str, Any] | None:
        """A run and its steps' states without their outputs, ``steps`` being all its steps' slugs."""
        known = json.dumps({str(run_id): list(steps)})
        row = await self.row(statements.RUN, run_id=run_id, known=known)
        return row["progress"] if row is not None else None
