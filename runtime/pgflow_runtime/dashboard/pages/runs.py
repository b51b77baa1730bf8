"""The list of runs, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pgflow_runtime.dashboard import statements
from pgflow_runtime.dashboard.reader import Row
from pgflow_runtime.dashboard.search import Search
from pgflow_runtime.dashboard.web import page, site_of
from pgflow_shared.statuses import RUN_STATUSES

PAGE = 50
"""Runs on a page."""
SCAN = 10_000
"""Runs looked at for a page, where the wanted ones are rare."""
SCAN_INPUTS = 2_000
"""The same where their inputs have to be read."""
LONGEST_SEARCH = 1_000
SPANS = {
    "15m": ("the last 15 minutes", timedelta(minutes=15)),
    "1h": ("the last hour", timedelta(hours=1)),
    "1d": ("the last day", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. Times are aware; the form means UTC."""

    flow: str | None
    status: str | None
    span: str | None
    since: datetime | None
    until: datetime | None
    q: str = ""
    """What was typed into the search field."""
    error: str | None = None
    """The key of a group of failures; "" is one too."""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Filters:
        """Raises 400 for what no form of ours sends."""
        status, span = query.get("status") or None, query.get("span") or None
        if status is not None and status not in RUN_STATUSES:
            raise HTTPException(400, f"There is no status '{status}'. There are: {', '.join(RUN_STATUSES)}.")
        if span is not None and span not in SPANS:
            raise HTTPException(400, f"There is no time span '{span}'. There are: {', '.join(SPANS)}.")
        flow = query.get("flow") or None
        if flow is not None and "\0" in flow:
            raise HTTPException(400, "There is no such flow.")
        since, until = _time(query.get("since")), _time(query.get("until"))
        q, error = query.get("q") or "", query.get("error")
        if "\0" in f"{q}{error}" or len(q) > LONGEST_SEARCH:
            raise HTTPException(400, f"Search for {LONGEST_SEARCH:,} characters at most.")
        return cls(flow, status, span, since, until, q.strip(), error)

    @property
    def search(self) -> Search:
        return Search.read(self.q)

    @property
    def start(self) -> datetime | None:
        return datetime.now(UTC) - SPANS[self.span][1] if self.span is not None else self.since

    @property
    def is_empty(self) -> bool:
        return self == Filters(None, None, None, None, None)

    @property
    def query(self) -> dict[str, str]:
        """The address's part for the same list."""
        fields = {
            "flow": self.flow,
            "status": self.status,
            "span": self.span,
            "since": _field(self.since),
            "until": _field(self.until),
            "q": self.q,
        }
        found = {name: value for name, value in fields.items() if value}
        return found if self.error is None else {**found, "error": self.error}


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
        "since": _field(filters.since),
        "until": _field(filters.until),
        "flows": flows,
        "statuses": RUN_STATUSES,
        "spans": {name: words for name, (words, _) in SPANS.items()},
        "runs": rows,
        "now": datetime.now(UTC),
        "stopped": stopped,
        "scanned": SCAN_INPUTS if filters.search.reads_inputs else SCAN,
        "is_first": before_id is None,
        "newest": "/runs?" + urlencode(filters.query) if filters.query else "/runs",
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
        return _utc(at), UUID(run_id)
    except (ValueError, OverflowError):
        raise HTTPException(400, "This page of the list cannot be found. Start at the newest runs.") from None


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return _utc(text)
    except (ValueError, OverflowError):
        raise HTTPException(400, f"'{text[:40]}' is not a time. Write it like 2026-03-01T12:00.") from None


def _utc(text: str) -> datetime:
    """Raises ValueError, OverflowError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _field(moment: datetime | None) -> str:
    """As a datetime-local field holds it."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
