"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pgflow_runtime.duration import parse_duration
from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker_config import WorkerConfig


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("45s", timedelta(seconds=45)),
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        (" 30d ", timedelta(days=30)),
        ("8w", timedelta(weeks=8)),
        ("0s", timedelta()),
    ],
)
def test_a_number_and_a_unit(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5h", "1y", "30 d", "٣d", "9999999d"])
def test_anything_else_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="is no duration") as refusal:
        parse_duration(text)
    assert "30d" in str(refusal.value.help)


def test_a_worker_refuses_a_retention_it_cannot_read() -> None:
    with pytest.raises(UsageError, match="'soon' is no duration"):
        WorkerConfig(retention="soon")
    assert WorkerConfig().keep is None
    assert WorkerConfig(retention="1h").keep == timedelta(hours=1)
