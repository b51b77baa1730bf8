"""A small stand-in for PostgREST and Realtime, as Supabase's published clients talk to them.

PostgREST: ``rpc`` with named arguments, selects and inserts, in exposed schemas, each in the role of its key.
Realtime: Phoenix messages over a socket; what the stub of ``realtime.send`` stores goes to who has joined.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import psycopg
import uvicorn
from psycopg import sql
from psycopg.types.json import Json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.support.core import connect

SERVICE_KEY = "a-service-role-key-of-tests"
ANON_KEY = "an-anon-key-of-tests"
_NOTIFY = """
create or replace function realtime.tell() returns trigger language plpgsql as
  'begin perform pg_notify(''realtime_rows'', new.id::text); return null; end';
drop trigger if exists tell on realtime.messages;
create trigger tell after insert on realtime.messages for each row execute function realtime.tell();
"""
_ARGUMENTS = """
select p.proretset, p.prorettype::regtype::text, array_agg(a.name), array_agg(format_type(a.type, null))
from pg_proc p
left join lateral unnest(p.proargnames, p.proargtypes::oid[]) a(name, type) on a.type is not null
where p.pronamespace = %s::regnamespace and p.proname = %s
group by p.oid
"""


class SupabaseServer:
    """One project: its ``url``, and roles for its keys, which have no rights of their own."""

    def __init__(
        self, dsn: str, exposed: Sequence[str] = ("public", "pgflow"), mark: str | None = None
    ) -> None:
        self._dsn = dsn
        self.exposed = list(exposed)
        mark = f"_{uuid4().hex[:8]}" if mark is None else mark
        self.roles = {SERVICE_KEY: f"service_role{mark}", ANON_KEY: f"anon{mark}"}
        self.joined: list[str] = []
        """Topics, in the order of joining."""
        self.requests: list[tuple[str, str]] = []
        """Methods and paths."""
        self.is_realtime_down = False
        self._sockets: dict[WebSocket, set[str]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        app = Starlette(
            routes=[
                Route("/rest/v1/rpc/{name}", self._rpc, methods=["POST"]),
                Route("/rest/v1/{table}", self._table, methods=["GET", "POST"]),
                WebSocketRoute("/realtime/v1/websocket", self._socket),
            ]
        )
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))

    def grant(self, key: str, *what: str) -> None:
        """As an administrator, to the role of a key: ``usage on schema pgflow``."""
        with connect(self._dsn) as connection:
            for right in what:
                connection.execute(f"grant {right} to {self.roles[key]}".encode())

    def drop_sockets(self) -> None:
        """As a network does, or a server that is deployed anew."""
        assert self._loop is not None

        async def drop() -> None:
            for peer in list(self._sockets):
                with suppress(Exception):
                    await peer.close(1012)

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(10)

    @contextmanager
    def running(self) -> Iterator[SupabaseServer]:
        with connect(self._dsn) as connection:
            connection.execute(_NOTIFY.encode())
            for key, role in self.roles.items():
                bypass = "bypassrls" if key == SERVICE_KEY else ""
                connection.execute(f"create role {role} nologin {bypass}".encode())
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.should_exit = True
            thread.join(10)
            self._listening.close()
            with connect(self._dsn) as connection:
                for role in self.roles.values():
                    connection.execute(f"drop owned by {role}; drop role {role}".encode())

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
            await connection.execute("listen realtime_rows")
            sending = asyncio.create_task(self._send(connection))
            await self._server.serve(sockets=[self._listening])
            sending.cancel()

    # -- PostgREST

    async def _rpc(self, request: Request) -> Response:
        self.requests.append((request.method, request.url.path))
        arguments = json.loads(await request.body() or b"{}")
        schema = request.headers.get("content-profile", "public")
        return await asyncio.to_thread(
            self._answer, request, schema, lambda c: _call(c, schema, request.path_params["name"], arguments)
        )

    async def _table(self, request: Request) -> Response:
        self.requests.append((request.method, request.url.path))
        table = request.path_params["table"]
        body = json.loads(await request.body() or b"null")
        schema = request.headers.get(
            "content-profile" if request.method == "POST" else "accept-profile", "public"
        )
        work = (lambda c: _insert(c, schema, table, body)) if body else (lambda c: _select(c, schema, table))
        return await asyncio.to_thread(self._answer, request, schema, work)

    def _answer(self, request: Request, schema: str, work: Any) -> Response:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.roles or request.headers.get("apikey") not in self.roles:
            return JSONResponse({"code": "PGRST301", "message": "JWT cannot be read"}, 401)
        if schema not in self.exposed:
            words = f"The schema must be one of the following: {', '.join(self.exposed)}"
            return JSONResponse({"code": "PGRST106", "message": words, "details": None, "hint": None}, 406)
        try:
            with psycopg.connect(self._dsn) as connection:
                connection.execute(sql.SQL("set local role {}").format(sql.Identifier(self.roles[key])))
                found = work(connection)
        except _NotFound as error:
            return JSONResponse(
                {"code": "PGRST202", "message": str(error), "details": None, "hint": None}, 404
            )
        except psycopg.Error as error:
            said = error.diag
            body = {
                "code": error.sqlstate, "message": said.message_primary,
                "details": said.message_detail, "hint": said.message_hint,
            }  # fmt: skip
            return JSONResponse(body, 403 if error.sqlstate == "42501" else 400)
        return Response(json.dumps(found), media_type="application/json")

    # -- Realtime

    async def _socket(self, peer: WebSocket) -> None:
        if self.is_realtime_down or peer.query_params.get("apikey") not in self.roles:
            await peer.close(1008)
            return
        await peer.accept()
        self._sockets[peer] = set()
        try:
            while True:
                await self._hear(peer, json.loads(await peer.receive_text()))
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            self._sockets.pop(peer, None)

    async def _hear(self, peer: WebSocket, message: dict[str, Any]) -> None:
        topic, event = message["topic"], message["event"]
        if event == "phx_join":
            assert message["payload"]["config"]["private"] is False
            assert message["payload"]["access_token"] in self.roles
            self._sockets[peer].add(topic)
            self.joined.append(topic)
        elif event == "phx_leave":
            self._sockets[peer].discard(topic)
        else:
            assert event in ("heartbeat", "access_token"), message
        reply = {"status": "ok", "response": {"postgres_changes": []} if event == "phx_join" else {}}
        await peer.send_json({"topic": topic, "event": "phx_reply", "payload": reply, "ref": message["ref"]})

    async def _send(self, connection: psycopg.AsyncConnection[Any]) -> None:
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as reading:
            async for notification in connection.notifies():
                cursor = await reading.execute(
                    "select topic, event, payload from realtime.messages where id = %s",
                    [notification.payload],
                )
                row = await cursor.fetchone()
                if row is None:
                    continue
                topic = f"realtime:{row[0]}"
                payload = {"event": row[1], "payload": row[2], "type": "broadcast"}
                message = {"topic": topic, "event": "broadcast", "payload": payload, "ref": None}
                for peer, topics in list(self._sockets.items()):
                    if topic in topics:
                        with suppress(Exception):
                            await peer.send_json(message)


class _NotFound(Exception):
    pass


def _call(connection: psycopg.Connection[Any], schema: str, name: str, arguments: dict[str, Any]) -> Any:
    """As PostgREST does: arguments by name, read from the body's JSON as the record it is."""
    row = connection.execute(_ARGUMENTS, [schema, name]).fetchone()
    if row is None or not set(arguments) <= set(row[2]):
        raise _NotFound(f"Could not find the function {schema}.{name}({', '.join(arguments)})")
    is_set, result, names, types = row
    given = [(n, t) for n, t in zip(names, types, strict=True) if n in arguments]
    record = ", ".join(f'"{n}" {t}' for n, t in given) or '"nothing" text'
    passed = ", ".join(f'"{n}" => a."{n}"' for n, _ in given)
    query = f'select to_json(f) from json_to_record(%s) a({record}), lateral "{schema}"."{name}"({passed}) f'
    rows = [found[0] for found in connection.execute(query.encode(), [Json(arguments)]).fetchall()]
    if is_set:
        return rows
    return None if result == "void" or not rows else rows[0]


def _select(connection: psycopg.Connection[Any], schema: str, table: str) -> Any:
    query = sql.SQL("select to_json(t) from {} t").format(sql.Identifier(schema, table))
    return [row[0] for row in connection.execute(query).fetchall()]


def _insert(connection: psycopg.Connection[Any], schema: str, table: str, body: Any) -> Any:
    rows = body if isinstance(body, list) else [body]
    names = [name for name in rows[0] if re.fullmatch(r"\w+", name)]
    query = sql.SQL(
        "insert into {table} ({names}) select {names} from json_populate_recordset(null::{table}, %s)"
        " returning to_json({name})"
    ).format(
        table=sql.Identifier(schema, table),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        name=sql.Identifier(table),
    )
    return [row[0] for row in connection.execute(query, [Json(rows)]).fetchall()]
