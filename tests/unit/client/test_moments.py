"""Times that PostgreSQL holds and Python does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pgflow_runtime.database.moments import EARLIEST, LATEST, read_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T09:00:00.25+00:00", datetime(2026, 11, 28, 9, 0, 0, 250_000, UTC)),
        ("2026-11-28 09:00:00+05:45", datetime(2026, 11, 28, 3, 15, tzinfo=UTC)),
        ("1900-01-01 00:00:00-00:44:30", datetime(1900, 1, 1, 0, 44, 30, tzinfo=UTC)),
        ("infinity", LATEST),
        ("-infinity", EARLIEST),
        ("10000-01-01T00:00:00+00:00", LATEST),
        ("9999-12-31T23:59:59+00:00", LATEST),
        ("0044-03-15T00:00:00+00:00 BC", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
    ],
)
def test_a_moment_is_read_or_brought_into_reach(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment
    for hours in (-14, 14):
        assert read_moment(text).astimezone(timezone(timedelta(hours=hours))) == moment
