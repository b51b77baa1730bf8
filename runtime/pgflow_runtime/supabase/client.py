"""``RealtimeClient``: the generated client for programs that have Supabase's API and no connection."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from psycopg import AsyncConnection

from pgflow_runtime.client import AsyncClientBase
from pgflow_runtime.client._async.feed import AsyncFeed
from pgflow_runtime.client._async.run import AsyncRun
from pgflow_runtime.client.concurrency import asleep
from pgflow_runtime.client.uuid7 import uuid7
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.database.store import Patience
from pgflow_runtime.errors import PgflowError, UsageError
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.secrets import keep_secret
from pgflow_runtime.supabase.rest import Rest
from pgflow_runtime.supabase.watcher import RealtimeWatcher, needs_connection

ClientT = TypeVar("ClientT", bound=AsyncClientBase)
RunT = TypeVar("RunT", bound=AsyncRun[Any])

_KEYS: Final = ("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_ANON_KEY")


class RealtimeClient:
    """Starts, reads and waits for runs over PostgREST and Realtime, by the methods of a generated client."""

    @staticmethod
    @asynccontextmanager
    async def connect(
        client: type[ClientT], url: str | None = None, key: str | None = None, *, timeout: float = 10.0
    ) -> AsyncGenerator[ClientT]:
        """``async with RealtimeClient.connect(AsyncClient) as client``, and then as with a connection.

        ``start_<flow>``, ``get_<flow>``, and of a run ``result``, ``wait_for``, ``events``, ``on``,
        ``refresh`` and ``step``. Anything else needs a connection, and says so.

        Args:
            client: the generated ``AsyncClient``.
            url: the project's; default: SUPABASE_URL.
            key: whose role may start and read runs; default: SUPABASE_SERVICE_ROLE_KEY, else
                SUPABASE_ANON_KEY.
            timeout: seconds that a request may take, and that a start is tried again for.

        Raises:
            UsageError: URL or key are missing.
        """
        made = _over_realtime(client)(*_project(url, key, os.environ), timeout)
        try:
            yield cast(ClientT, made)
        finally:
            await made.aclose()


def _project(url: str | None, key: str | None, env: Mapping[str, str]) -> tuple[str, str]:
    url = url or env.get("SUPABASE_URL", "").strip()
    key = key or next((env[name].strip() for name in _KEYS if env.get(name)), "")
    missing = [name for name, value in (("SUPABASE_URL", url), (" or ".join(_KEYS), key)) if not value]
    if missing:
        raise UsageError(
            f"the project is not known: set {' and '.join(missing)}", help="or pass url= and key="
        )
    if not url.startswith(("http://", "https://")):
        raise UsageError("the project's URL begins with https://")
    keep_secret(key)
    return url, key


def _over_realtime(client: type[AsyncClientBase]) -> type[_OverRealtime]:
    return cast("type[_OverRealtime]", type(client.__name__, (_OverRealtime, client), {}))


class _OverRealtime(AsyncClientBase):
    """What differs from a client with a connection."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._patience = timeout
        self._rest = Rest(url, key, timeout)
        self._watcher = RealtimeWatcher(self._rest, url, key)
        self._feeds: weakref.WeakValueDictionary[UUID, AsyncFeed] = weakref.WeakValueDictionary()

    async def _close(self) -> None:
        await self._watcher.close()
        await self._rest.close()

    async def _compare(self, contract: FlowContract) -> None:
        """Nothing: the flow's structure is not for everybody who may start it."""

    async def _start_many(
        self,
        run_type: type[RunT],
        inputs: Sequence[object],
        run_ids: Sequence[UUID] | None,
        start_at: datetime | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> list[RunT]:
        if len(inputs) != 1:
            raise needs_connection("starting several runs at once")
        if start_at is not None or conn is not None:
            raise needs_connection("start_at=" if conn is None else "conn=")
        contract = run_type.contract
        text = contract.encode_input(inputs[0])
        run_id = uuid7() if run_ids is None else run_ids[0]
        document = await self._start_one(contract.slug, json.loads(text), run_id)
        return [self._run_of(run_type, RunSnapshot.read(document))]

    async def _start_one(self, flow_slug: str, value: object, run_id: UUID) -> Mapping[str, Any]:
        """Again and again while what refuses it passes: the id makes that safe."""
        patience = Patience(self._patience)
        while True:
            try:
                document: Mapping[str, Any] = await self._rest.call(
                    "start_flow_with_states", flow_slug=flow_slug, input=value, run_id=str(run_id)
                )
            except PgflowError as error:
                await asleep(patience.pause_after(error))
            else:
                return document
