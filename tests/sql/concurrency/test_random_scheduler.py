"""Eight connections do random things to random flows; every committed state must be sound.

`--stress-seconds N` runs it for longer, `--stress-seed N` with other flows.
"""

from __future__ import annotations

import pytest

from tests.support.core import Core
from tests.support.databases import clean
from tests.support.invariants import assert_sound
from tests.support.scheduler import prunes, stress

ROUND = 5.0  # seconds with the same flows


def test_random_scheduler(live: Core, live_dsn: str, pytestconfig: pytest.Config) -> None:
    seconds, seed = pytestconfig.getoption("--stress-seconds"), pytestconfig.getoption("--stress-seed")
    for number in range(max(1, round(seconds / ROUND))):
        try:
            actions = stress(live_dsn, seed + number, min(seconds, ROUND))
            assert_sound(live, events=not prunes(seed + number))
            assert actions["complete"] > 0
            assert actions["states looked at"] > 0
        except Exception as error:
            raise AssertionError(f"--stress-seed {seed + number}: {error}") from error
        print(dict(actions), live.rows("select status, count(*) from pgflow.runs group by 1"))
        clean(live.connection)
