"""What the buttons of a flow's page do: pause and resume."""

from __future__ import annotations

from typing import LiteralString
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.pages import flow
from pgflow_runtime.dashboard.web import caught_up, control_of, read_order, site_of
from pgflow_runtime.database import queries
from pgflow_runtime.errors import PgflowError


async def pause(request: Request) -> Response:
    return await _act(request, queries.PAUSE_FLOW, "paused")


async def resume(request: Request) -> Response:
    return await _act(request, queries.RESUME_FLOW, "resumed")


async def _act(request: Request, statement: LiteralString, done: str) -> Response:
    slug = (await flow.find(request, request.path_params["flow"])).slug
    await read_order(request)
    actor = site_of(request).sessions.name_of(request)
    try:
        ((is_changed,),) = await control_of(request).call(statement, flow_slug=slug, actor=actor)
    except PgflowError as error:
        return await flow.show_refused(request, error)
    outcome = done if is_changed else f"{done}_before"
    return await caught_up(request, f"/flows/{quote(slug, safe='')}?did={outcome}")
