"""The list of runs, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pgflow_runtime.dashboard.lists.filters import SPANS, Filters, field_of, utc
from pgflow_runtime.dashboard.lists.selection import selection_of
from pgflow_runtime.dashboard.orders.actions import ACTIONS, bulk_sentence
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.reader import Row
from pgflow_runtime.dashboard.web import page, site_of
from pgflow_shared.statuses import RUN_STATUSES

PAGE = 50
"""Runs on a page."""
SCAN = 10_000
"""Runs looked at for a page, where the wanted ones are rare."""
SCAN_INPUTS = 2_000
"""The same where their inputs have to be read."""


async def show(request: Request) -> Response:
    query = request.query_params
    filters = Filters.read(query)
    only_id = filters.search.only_id
    if only_id is not None and await site_of(request).reader.progress(only_id, {}) is not None:
        return RedirectResponse(f"/runs/{only_id}", 303)
    before_at, before_id = _cursor(query.get("before"))
    rows = await find_runs(request, filters, before_at, before_id)
    stopped = rows.pop() if rows and rows[-1]["status"] is None else None
    has_more = len(rows) > PAGE
    rows = rows[:PAGE]
    last = stopped or (rows[-1] if has_more else None)
    older = (
        {**filters.query, "before": f"{last['started_at'].isoformat()}_{last['run_id']}"} if last else None
    )
    flows = await site_of(request).flows.slugs()
    values = {
        "title": "Runs",
        "filters": filters,
        "since": field_of(filters.since),
        "until": field_of(filters.until),
        "flows": flows,
        "statuses": RUN_STATUSES,
        "spans": {name: words for name, (words, _) in SPANS.items()},
        "runs": rows,
        "now": datetime.now(UTC),
        "stopped": stopped,
        "scanned": SCAN_INPUTS if filters.search.reads_inputs else SCAN,
        "is_first": before_id is None,
        "newest": "/runs?" + urlencode(filters.query) if filters.query else "/runs",
        "hindrance": selection_of(filters).hindrance,
        "actions": [action.name for action in ACTIONS.values() if filters.status in (None, *action.statuses)],
        "all_of_these": urlencode(filters.query),
        "done": bulk_sentence(query.get("did"), query.get("runs")),
        "older": "/runs?" + urlencode(older) if older else None,
    }
    return page(request, "runs.html", values)


async def find_runs(
    request: Request, filters: Filters, before_at: datetime | None, before_id: UUID | None
) -> list[Row]:
    """A page of runs and one more, or a last row without status: how far the search came."""
    search = filters.search
    return await site_of(request).reader.rows(
        statements.FIND_RUNS,
        flow=filters.flow,
        status=filters.status,
        since=filters.start,
        until=filters.until,
        before_at=before_at,
        before_id=before_id,
        limit=PAGE + 1,
        scan=SCAN_INPUTS if search.reads_inputs else SCAN,
        in_input=search.in_input,
        input_contains=search.input_contains,
        id_from=search.id_from,
        id_below=search.id_below,
        error=filters.error,
    )


def _cursor(text: str | None) -> tuple[datetime | None, UUID | None]:
    if not text:
        return None, None
    at, _, run_id = text.partition("_")
    try:
        return utc(at), UUID(run_id)
    except (ValueError, OverflowError):
        raise HTTPException(400, "This page of the list cannot be found. Start at the newest runs.") from None
