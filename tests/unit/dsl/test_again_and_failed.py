"""What a loop's handler returns to go on, and what stands for a result that there is none of."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest

from pgflow_runtime import Again, Failed


def test_again_keeps_its_state_and_delay() -> None:
    again = Again({"page": 2}, after=1.5)
    assert (again.state, again.after) == ({"page": 2}, 1.5)
    assert Again(after=timedelta(minutes=1)).after == 60


def test_without_a_delay_the_loop_decides() -> None:
    assert Again().after is None
    assert Again(after=0).after == 0


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), 365 * 86_400 + 1, timedelta(days=366)])
def test_a_delay_is_a_number_of_seconds_within_a_year(after: float | timedelta) -> None:
    with pytest.raises(ValueError, match="Again"):
        Again(after=after)


def test_failed_is_a_value() -> None:
    failed = Failed("no stock", "charge", 0, 3)
    assert failed == Failed("no stock", "charge", 0, 3)
    with pytest.raises(FrozenInstanceError):
        failed.attempts = 4  # type: ignore[misc]
