"""The replica that pages are read from: how far it is behind, and whether it has what somebody just did."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from pgflow_runtime.database import CLIENT, aconnect
from pgflow_runtime.database.dsn import ReadDsn, describe
from pgflow_runtime.database.replica import LAG, UNTOLD, WRITTEN, DatabaseIdentity, Lag, check_replica
from pgflow_runtime.database.store import connected, translated
from pgflow_runtime.errors import ConnectionFailed, PgflowError

LOOK_SECONDS = 2.0
"""How old what we know of the lag may be."""
PATIENCE = 3.0
"""Seconds that a page waits at most for what its reader has just done."""
PAUSE = 0.05
WAY_OUT = "These pages are read from a replica: start it, or start the dashboard without {source}."


class Replica:
    """What is known of it. ``lag`` is None until a page was read, and while it cannot be reached."""

    def __init__(self, primary: str, read: ReadDsn) -> None:
        self.where = describe(read.conninfo)
        self.lag: Lag | None = None
        self.way_out = WAY_OUT.format(source=read.source)
        self._primary = primary
        self._conninfo = read.conninfo
        self._looked_at = float("-inf")

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """Look how far behind it is, unless we have just done so. Raises psycopg.Error."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            try:
                self.lag = await self._lag(connection, None)
            except UNTOLD:
                self.lag = Lag.unknown()
            self._looked_at = time.monotonic()

    def lose(self) -> None:
        """It did not answer."""
        self.lag, self._looked_at = None, float("-inf")

    async def catch_up(self) -> None:
        """Wait until it has what is committed by now; not for long, and not where something is in the way."""
        try:
            async with asyncio.timeout(PATIENCE):
                with translated():
                    await self._until_replayed(await self._written())
        except (PgflowError, TimeoutError):
            return  # the next page says it

    async def _until_replayed(self, lsn: str) -> None:
        async with await aconnect(self._conninfo, CLIENT) as connection:
            while True:
                lag = await self._lag(connection, lsn)
                if lag.has_replayed or not lag.is_standby:
                    return
                await asyncio.sleep(PAUSE)

    async def _written(self) -> str:
        async with await aconnect(self._primary, CLIENT) as connection:
            row = await (await connection.execute(WRITTEN)).fetchone()
        assert row is not None
        return str(row[0])

    async def _lag(self, connection: AsyncConnection[Any], lsn: str | None) -> Lag:
        async with connection.cursor(row_factory=dict_row) as cursor:
            row = await (await cursor.execute(LAG, {"lsn": lsn})).fetchone()
        assert row is not None
        return Lag.read(row)


def check_before_reading(
    primary: str, read: ReadDsn, *, needs_primary: bool
) -> tuple[Replica | None, list[str]]:
    """The replica of ``primary`` that ``read`` names, None if they are one server; notes for the user's eyes.

    Pages can be read while the primary is away, unless people are to do something there. Raises what is in
    the way.
    """
    try:
        with connected(primary, autocommit=True) as connection:
            there = DatabaseIdentity.of(connection)
    except ConnectionFailed:
        if needs_primary:
            raise
        there = None
    try:
        with connected(read.conninfo, autocommit=True) as connection:
            here = DatabaseIdentity.of(connection)
    except ConnectionFailed as error:
        raise ConnectionFailed(
            f"the replica that {read.source} names: {error.message}",
            help=f"start it, or leave {read.source} out",
        ) from error
    replica = Replica(primary, read)
    if there is None:
        text = f"the primary cannot be reached; whether {read.source} names its replica is not known"
        return replica, [text]
    note = check_replica(there, here, read.source)
    return (replica, []) if note is None else (None, [note])
