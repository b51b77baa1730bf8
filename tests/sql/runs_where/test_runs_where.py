"""Control of all runs that fit a filter: page by page, each run once, and no more than was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.control import cancel, hold
from tests.support.core import Core
from tests.support.invariants import assert_sound, install

WHERE = ("cancel", "retry", "hold", "release")


def count(core: Core, action: str | None = None, **filter: Any) -> int:
    found: int = core.call("count_runs_where", filter=Jsonb(filter), action=action)[0].count_runs_where
    return found


def pages(core: Core, action: str, filter: dict[str, Any], **arguments: Any) -> list[int]:
    """How many runs each page has changed, until there is no other page."""
    found: list[int] = []
    after: UUID | None = None
    while True:
        (row,) = core.call(f"{action}_runs_where", filter=Jsonb(filter), after_id=after, **arguments)
        found.append(row.changed)
        after = row.last_id
        if after is None:
            return found


@pytest.fixture
def history(core: Core) -> dict[str, list[UUID]]:
    """Runs of f and g, three in each status; failed in a or in b, with three sorts of errors."""
    install(core)
    core.flow("f", "a", "b < a", max_attempts=1)
    core.flow("g", "a", "b < a", max_attempts=1)
    found: dict[str, list[UUID]] = {}
    for flow in ("f", "g"):
        runs = [core.start_flow(flow, {"n": number, "tags": ["x"]}).run_id for number in range(12)]
        for task in core.poll(flow, 6):
            core.complete_task(task.run_id, "a", 0, 1)
        for number, task in enumerate(core.poll(flow, 3)):
            core.fail_task(task.run_id, task.step_slug, 0, f"TimeoutError: took {number} s")
        core.run_sql(f"update pgmq.q_{flow} set vt = now()")
        rows = core.rows("select run_id, status from pgflow.runs where flow_slug = %s order by run_id", flow)
        found[f"{flow} failed"] = [row.run_id for row in rows if row.status == "failed"]
        open_runs = [row.run_id for row in rows if row.status == "started"]
        cancel(core, *open_runs[:3])
        found[f"{flow} cancelled"] = open_runs[:3]
        for task in core.poll(flow, 20):
            if task.run_id in open_runs[3:6]:
                core.complete_task(task.run_id, task.step_slug, 0, 2)
        core.run_sql(f"update pgmq.q_{flow} set vt = now()")
        assert len(runs) == 12
    for flow in ("f", "g"):
        for status in ("started", "completed", "failed", "cancelled"):
            rows = core.rows(
                "select run_id from pgflow.runs where flow_slug = %s and status = %s order by run_id",
                flow, status,
            )  # fmt: skip
            found[f"{flow} {status}"] = [row.run_id for row in rows]
    return found


def statuses(core: Core, runs: list[UUID]) -> set[str]:
    return {core.run(run_id).status for run_id in runs}


class TestCount:
    def test_by_flow_and_status(self, core: Core, history: dict[str, list[UUID]]) -> None:
        assert count(core) == 24
        assert count(core, flow="f") == 12
        for status in ("started", "completed", "failed", "cancelled"):
            assert count(core, flow="f", status=status) == len(history[f"f {status}"])
        assert count(core, status=["failed", "cancelled"]) == 12
        assert count(core, status=[]) == 0

    def test_only_those_it_can_be_done_to(self, core: Core, history: dict[str, list[UUID]]) -> None:
        started = history["f started"]
        hold(core, started[0])
        assert count(core, "cancel", flow="f") == len(started)
        assert count(core, "hold", flow="f") == len(started) - 1
        assert count(core, "release", flow="f") == 1
        assert count(core, "retry", flow="f") == 6
        assert count(core, "retry", flow="f", status="failed") == 3
        assert count(core, "retry", flow="f", status="started") == 0

    def test_by_time(self, core: Core, history: dict[str, list[UUID]]) -> None:
        old = history["f failed"][0]
        core.run_sql(
            "update pgflow.runs set started_at = started_at - interval '2 hours' where run_id = %s", old
        )
        now, hour = core.now(), core.value("select now() - interval '1 hour'")
        for flow in ({}, {"flow": "f"}):
            assert count(core, **flow, status="failed", started_before=hour.isoformat()) == 1
            wanted = (2 if flow else 5, 0)
            assert count(core, **flow, status="failed", started_after=hour.isoformat()) == wanted[0]
            assert count(core, **flow, started_after=now.isoformat(), started_before=now.isoformat()) == 0

    def test_by_failed_step(self, core: Core, history: dict[str, list[UUID]]) -> None:
        slugs = ("a", "b")
        wanted = [
            core.value(
                "select count(*) from pgflow.step_states"
                " where flow_slug = 'f' and step_slug = %s and status = 'failed'", slug,
            )
            for slug in slugs
        ]  # fmt: skip
        assert [count(core, flow="f", failed_step=slug) for slug in slugs] == wanted
        assert sum(wanted) == 3
        assert count(core, failed_step="nothing") == 0

    def test_by_error_and_input(self, core: Core, history: dict[str, list[UUID]]) -> None:
        window = {"flow": "f", "started_after": "2000-01-01T00:00:00Z"}
        assert count(core, **window, error_contains="timeouterror: TOOK 1") == 1
        assert count(core, **window, error_contains="took") == 3
        assert count(core, **window, error_contains="%") == 0
        (group,) = {row.error_key for row in core.call("group_failures", only_flow="f")}
        assert count(core, **window, error_key=group) == 3
        assert count(core, **window, input_contains={"tags": ["x"]}) == 12
        assert count(core, **window, input_contains={"n": 3}) == 1


class TestActions:
    def test_cancel(self, core: Core, history: dict[str, list[UUID]]) -> None:
        assert pages(core, "cancel", {"flow": "f"}, reason="all of them") == [len(history["f started"])]
        assert statuses(core, history["f started"]) == {"cancelled"}
        assert statuses(core, history["g started"]) == {"started"}
        assert {core.run(run_id).cancel_reason for run_id in history["f started"]} == {"all of them"}
        assert_sound(core)

    def test_retry(self, core: Core, history: dict[str, list[UUID]]) -> None:
        assert sum(pages(core, "retry", {"flow": "f", "status": "failed"})) == 3
        assert statuses(core, history["f failed"]) == {"started"}
        assert sum(pages(core, "retry", {})) == 9
        assert count(core, status=["failed", "cancelled"]) == 0
        assert_sound(core)

    def test_hold_and_release(self, core: Core, history: dict[str, list[UUID]]) -> None:
        started = history["g started"]
        assert sum(pages(core, "hold", {"flow": "g"})) == len(started)
        assert sum(pages(core, "hold", {"flow": "g"})) == 0
        assert all(core.run(run_id).held_at for run_id in started)
        assert sum(pages(core, "release", {})) == len(started)
        assert not any(core.run(run_id).held_at for run_id in started)
        assert_sound(core)

    def test_a_status_it_cannot_be_done_to(self, core: Core, history: dict[str, list[UUID]]) -> None:
        assert pages(core, "cancel", {"status": "failed"}) == [0]
        assert pages(core, "retry", {"status": ["started", "completed"]}) == [0]

    def test_the_trail_says_by_which_filter(self, core: Core, history: dict[str, list[UUID]]) -> None:
        window = {"flow": "f", "started_after": "2000-01-01T00:00:00Z"}
        pages(core, "retry", {**window, "error_contains": "t" * 1000}, actor="ann")
        assert [row.action for row in core.call("list_actions", only_flow="f")].count("retry") == 0
        filter = {**window, "status": "failed", "input_contains": {"tags": ["x"]}}
        pages(core, "retry", filter, actor="ann", spread=5.0)
        (row, *_) = core.call("list_actions", only_flow="f")
        assert (row.action, row.actor, row.outcome) == ("retry", "ann", {"retried": 3})
        assert row.arguments == {
            "spread": 5, "filter": {**window, "status": "failed", "input_contains": True},
        }  # fmt: skip


class TestPages:
    @pytest.mark.parametrize("action", WHERE)
    def test_each_run_is_met_once(self, core: Core, history: dict[str, list[UUID]], action: str) -> None:
        if action == "release":
            pages(core, "hold", {})
        whole = count(core, action)
        found = pages(core, action, {}, max_runs=2)
        assert sum(found) == whole
        assert found == [2] * (whole // 2) + ([whole % 2] if whole % 2 or found[-1] == 0 else [])
        assert_sound(core)

    def test_what_fails_again_at_once_is_not_met_again(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"go": True}, when_unmet="fail")
        for number in range(7):
            core.start_flow("f", {"go": False, "n": number})
        assert pages(core, "retry", {}, max_runs=3) == [3, 3, 1]
        assert count(core, status="failed") == 7

    def test_a_page_ends_where_enough_were_looked_at(self, core: Core) -> None:
        core.flow("f", "a")
        core.flow("g", "a")
        core.rows("select * from pgflow.start_flows('f', array_fill('1'::jsonb, array[10500]))")
        last = core.start_flow("g").run_id
        assert pages(core, "cancel", {"flow": "g"}) == [0, 1]
        assert core.run(last).status == "cancelled"
        # within a time they are found by it
        assert pages(core, "retry", {"flow": "g", "started_after": "2000-01-01T00:00:00Z"}) == [1]

    def test_ids_that_were_chosen_elsewhere(self, core: Core) -> None:
        core.flow("f", "a")
        runs = {core.start_flow("f", 1, uuid4()).run_id for _ in range(20)}
        since = core.value("select (now() - interval '1 hour')::text")
        assert sum(pages(core, "cancel", {"flow": "f", "started_after": since}, max_runs=3)) == 20
        assert sum(pages(core, "retry", {"started_after": since}, max_runs=3)) == 20
        assert statuses(core, list(runs)) == {"started"}

    def test_no_more_tasks_than_one_call_may_have(self, core: Core) -> None:
        core.flow("f", "m:map")
        runs = [core.start_flow("f", [None] * count).run_id for count in (30_000, 15_000, 50_001, 20_000)]
        cancel(core, *runs)
        assert pages(core, "retry", {}) == [2, 0, 1]
        assert [core.run(run_id).status for run_id in runs] == ["started", "started", "cancelled", "started"]
        skipped = [row for row in core.call("list_actions") if "too_many_tasks" in row.outcome]
        assert [row.run_ids for row in skipped] == [[runs[2]]]

    @pytest.mark.parametrize("size", [0, -1, 1001])
    @pytest.mark.parametrize("action", WHERE)
    def test_sizes_that_are_none(self, core: Core, action: str, size: int) -> None:
        with core.refused("max_runs must be from 1 to 1,000", sqlstate="PF011"):
            pages(core, action, {}, max_runs=size)


REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([], "A filter of runs is an object"),
    "an unknown key": ({"flows": "f"}, 'cannot be chosen by "flows"'),
    "a number": ({"flow": 1}, "flow must be a text, not 1"),
    "an unknown status": ({"status": "running"}, 'status cannot be "running"'),
    "a status in a list": ({"status": ["failed", 1]}, "status cannot be"),
    "no time": ({"started_after": "soon"}, "is no time"),
    "a time that does not fit": ({"started_before": "99999999-01-01"}, "is no time"),
    "an error without a flow": (
        {"error_contains": "x", "started_after": "2026-01-01"}, "one flow and one time",
    ),
    "an error without a time": ({"error_contains": "x", "flow": "f"}, "one flow and one time"),
    "a group without a time": ({"error_key": "x", "flow": "f"}, "one flow and one time"),
    "an input with an end only": (
        {"input_contains": 1, "flow": "f", "started_before": "2026-01-01"}, "one flow and one time",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_filters_that_are_refused(core: Core, case: str) -> None:
    core.flow("f", "a")
    filter, words = REFUSED[case]
    calls: list[Callable[[], object]] = [
        lambda: core.call("count_runs_where", filter=Jsonb(filter)),
        *(lambda action=action: core.call(f"{action}_runs_where", filter=Jsonb(filter)) for action in WHERE),
    ]
    for call in calls:
        with core.refused(words, sqlstate="PF011"):
            call()


def test_a_flow_that_is_not_there(core: Core) -> None:
    with core.refused('Unknown flow "x"', sqlstate="PF001"):
        count(core, flow="x")


def test_an_action_that_is_none(core: Core) -> None:
    with core.refused('There is no action "stop"', sqlstate="PF011"):
        count(core, "stop")


def test_keys_that_are_null_say_nothing(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    assert count(core, flow=None, status=None, started_after=None, input_contains=None) == 1
