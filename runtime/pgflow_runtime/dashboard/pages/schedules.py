"""Schedules with their last and next fires; with --allow-control they are paused, resumed and fired."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import LiteralString

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.orders.actions import OUTCOMES
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.web import caught_up, control_of, form_page, read_order, refused_status, site_of
from pgflow_runtime.database import queries
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.runs.schedules import when_of

FIRES = 5
"""Fires to come that are shown of each."""


async def show(request: Request) -> Response:
    return await _page(request, None)


async def _page(request: Request, fault: PgflowError | None) -> Response:
    rows = await site_of(request).reader.rows(statements.SCHEDULES, fires=FIRES)
    values = {
        "title": "Schedules",
        "schedules": [{**row, "when": when_of(row["spec"])} for row in rows],
        "done": OUTCOMES.get(request.query_params.get("did", "")),
        "fault": fault,
    }
    return form_page(request, "schedules.html", values, 200 if fault is None else refused_status(fault))


def submit_of(statement: LiteralString, done: str) -> Callable[[Request], Awaitable[Response]]:
    """The page a button sends its form to: pausing or resuming."""

    async def submit(request: Request) -> Response:
        try:
            is_changed = await _order(request, statement)
        except PgflowError as error:
            return await _page(request, error)
        outcome = f"schedule_{done}" if is_changed else f"schedule_{done}_before"
        return await caught_up(request, f"/schedules?did={outcome}")

    return submit


async def fire(request: Request) -> Response:
    """Start a run of the schedule now, and show it."""
    try:
        run_id = await _order(request, queries.FIRE_SCHEDULE)
    except PgflowError as error:
        return await _page(request, error)
    return await caught_up(request, f"/runs/{run_id}?did=fired")


async def _order(request: Request, statement: LiteralString) -> object:
    await read_order(request)
    flow, slug = (request.path_params[name].replace("\0", "") for name in ("flow", "schedule"))
    actor = site_of(request).sessions.name_of(request)
    values = {"flow_slug": flow, "schedule_slug": slug, "actor": actor}
    ((answer,),) = await control_of(request).call(statement, **values)
    return answer
