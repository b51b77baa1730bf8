"""What waits for somebody: undos that have failed, and signals, those that are waited for longest first."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.web import form_page, site_of
from pgflow_runtime.database.moments import read_moment

AT_ONCE = 50
"""Rows of a page."""
UNDOS = 50
"""Failed undos that are shown."""


async def show(request: Request) -> Response:
    after = _after(request)
    rows = await site_of(request).reader.rows(
        statements.WAITING,
        limit=AT_ONCE + 1,
        after_since=after[0] if after else None,
        after_run=after[1] if after else None,
        after_step=after[2] if after else None,
    )
    undos = (
        await site_of(request).reader.rows(statements.FAILED_UNDOS, limit=UNDOS + 1) if after is None else []
    )
    values = {
        "title": "Waiting",
        "undos": undos[:UNDOS],
        "has_more_undos": len(undos) > UNDOS,
        "rows": rows[:AT_ONCE],
        "has_more": len(rows) > AT_ONCE,
        "is_first": after is None,
        "now": datetime.now(UTC),
    }
    return form_page(request, "waiting.html", values)


def _after(request: Request) -> tuple[datetime, UUID, str] | None:
    """The row that the page before ended with, as its address says; None: the first page."""
    since, run, step = (request.query_params.get(name, "") for name in ("since", "run", "step"))
    try:
        moment = read_moment(since)
        return (moment, UUID(run), step) if moment.tzinfo is not None and "\0" not in step else None
    except ValueError:
        return None
