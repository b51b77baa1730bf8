"""Failed runs, grouped by flow, step and message."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.lists.filters import SPANS
from pgflow_runtime.dashboard.orders.actions import bulk_sentence
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.reader import Row
from pgflow_runtime.dashboard.web import page, site_of


async def show(request: Request) -> Response:
    flow, span = request.query_params.get("flow") or None, request.query_params.get("span") or "7d"
    if span not in SPANS or "\0" in (flow or ""):
        raise HTTPException(400, f"There is no time span '{span}'. There are: {', '.join(SPANS)}.")
    words, recent = SPANS[span]
    rows = await site_of(request).reader.rows(statements.FAILURES, flow=flow, recent=recent)
    values = {
        "title": "Errors",
        "groups": [{**row, "query": _query(row, span)} for row in rows],
        "flows": await site_of(request).flows.slugs(),
        "flow": flow,
        "span": span,
        "span_words": words,
        "spans": {name: text for name, (text, _) in SPANS.items()},
        "now": datetime.now(UTC),
        "done": bulk_sentence(request.query_params.get("did"), request.query_params.get("runs")),
    }
    return page(request, "errors.html", values)


def _query(row: Row, span: str) -> str:
    """The address's part for the runs of a group."""
    fields = {"flow": row["flow_slug"], "status": "failed", "span": span, "error": row["error_key"]}
    return urlencode(fields)
