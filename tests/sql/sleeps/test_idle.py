"""What an idle worker's look costs beside runs that sleep: what it costs where nothing is.

Counted in pages looked at. Longer than usual (`--stress-seconds`) there are a million sleepers.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.batch import register
from tests.support.core import Core, connect
from tests.support.steps_that_wait import add_sleep

FEW, MANY = 20_000, 1_000_000
AT_ONCE = 20_000
USUAL = 20.0
HEIGHT = 3
"""Pages more that an index of a million rows has on the way down, at most."""
INDEXES = 3
"""Looks into indexes of what sleeps, at most, in one of these calls."""
LOOKS = {
    "claim": "select * from pgflow.claim_tasks(array[%(worker)s]::uuid[], array['f'], 10)",
    "announce": "select pgflow.announce_idle(array[%(worker)s]::uuid[], 60)",
    "fire": "select * from pgflow.fire_timers(100)",
    "heartbeat": "select * from pgflow.heartbeat_workers(array[%(worker)s]::uuid[])",
    "recover": "select pgflow.recover_stalled_tasks()",
    "withdraw": "select pgflow.withdraw_idle(array[%(worker)s]::uuid[])",
}


@pytest.fixture
def own(database_dsn: str) -> Iterator[Core]:
    with connect(database_dsn) as connection:
        yield Core(connection)


def look(core: Core, worker: UUID) -> dict[str, int]:
    """Pages that each call looks at, in the cache or not, once its plans are made."""
    found = {}
    for _ in range(7):  # plpgsql asks for plans of its own five times
        for name, call in LOOKS.items():
            plan = core.value(
                f"explain (analyze, buffers, timing off, format json) {call}", {"worker": worker}
            )
            top = plan[0]["Plan"]
            found[name] = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return found


def test_a_look_costs_beside_sleepers_what_it_costs_alone(own: Core, pytestconfig: pytest.Config) -> None:
    is_long = pytestconfig.getoption("--stress-seconds") > USUAL
    own.create_flow("f")
    add_sleep(own, "f", "nap", seconds=31_536_000)
    own.add_step("f", "work", ["nap"])
    worker = register(own, "f")
    alone = look(own, worker)
    count = MANY if is_long else FEW
    for _ in range(count // AT_ONCE):
        own.run_sql(
            "select count(*) from pgflow.start_flows('f', array_fill('1'::jsonb, array[%s]))", AT_ONCE
        )
    own.run_sql("vacuum analyze")
    assert own.value("select count(*) from pgflow.timers") == count
    beside = look(own, worker)
    dearer = {
        name: (alone[name], cost) for name, cost in beside.items() if cost > alone[name] + HEIGHT * INDEXES
    }
    assert not dearer, (alone, beside)
