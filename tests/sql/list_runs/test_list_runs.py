"""The latest runs."""

from __future__ import annotations

from typing import Any

from tests.support.core import Core


def listed(core: Core, **arguments: Any) -> list[Any]:
    return core.call("list_runs", **arguments)


def test_the_latest_first_and_not_too_many(live: Core) -> None:
    live.flow("f", "a")
    ids = [live.start_flow("f", number).run_id for number in range(3)]
    assert [row.run_id for row in listed(live)] == ids[::-1]
    assert [row.run_id for row in listed(live, max_runs=2)] == [ids[2], ids[1]]


def test_only_those_of_a_flow_in_a_status(core: Core) -> None:
    core.flow("f", "a", max_attempts=1)
    core.flow("g", "a", "b")
    done, open_, other = core.start_flow("f", 1), core.start_flow("f", 2), core.start_flow("g", 3)
    core.work("f", 1)
    assert {row.run_id for row in listed(core, only_flow="f")} == {done.run_id, open_.run_id}
    assert {row.run_id for row in listed(core, only_status="started")} == {open_.run_id, other.run_id}
    (row,) = listed(core, only_flow="f", only_status="completed")
    assert (row.run_id, row.flow_slug, row.remaining_steps) == (done.run_id, "f", 0)
    assert row.ended_at == core.run(done.run_id).completed_at
    assert listed(core, only_flow="nothing") == []
    core.poll("f")
    core.fail_task(open_.run_id, "a")
    (row,) = listed(core, only_status="failed")
    assert row.ended_at == core.run(open_.run_id).failed_at
