"""Which runs a list shows: what its address asks for, and the address for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.exceptions import HTTPException

from pgflow_runtime.dashboard.lists.search import Search
from pgflow_shared.statuses import RUN_STATUSES

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
            "since": field_of(self.since),
            "until": field_of(self.until),
            "q": self.q,
        }
        found = {name: value for name, value in fields.items() if value}
        return found if self.error is None else {**found, "error": self.error}


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return utc(text)
    except (ValueError, OverflowError):
        raise HTTPException(400, f"'{text[:40]}' is not a time. Write it like 2026-03-01T12:00.") from None


def utc(text: str) -> datetime:
    """Raises ValueError, OverflowError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def field_of(moment: datetime | None) -> str:
    """As a datetime-local field holds it."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
