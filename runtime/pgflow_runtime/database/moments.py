"""Times as PostgreSQL writes them, as Python's; those beyond Python's reach are brought into it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""A day within Python's own bounds, so that each time zone can show them."""


def read_moment(text: str) -> datetime:
    """An aware time from ISO 8601; EARLIEST or LATEST for infinity, BC, and years of five digits."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return EARLIEST if text.startswith("-") or text.endswith("BC") else LATEST
    return moment if EARLIEST.year < moment.year < LATEST.year else _within(moment)


def _within(moment: datetime) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return min(max(aware, EARLIEST), LATEST)
