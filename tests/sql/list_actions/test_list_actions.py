"""The trail: what was asked of the control functions, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest

from tests.support.control import cancel
from tests.support.core import Core, Row


@pytest.fixture(autouse=True)
def _flows(core: Core) -> None:
    core.flow("f", "a")
    core.flow("g", "a")


def trail(core: Core, **arguments: object) -> list[Row]:
    return core.call("list_actions", **arguments)


def start(core: Core, flow_slug: str = "f", count: int = 1) -> list[UUID]:
    return [core.start_flow(flow_slug, number).run_id for number in range(count)]


def test_one_call_one_row(core: Core) -> None:
    (open_run,), (ended,) = start(core), start(core)
    cancel(core, ended)
    cancel(core, open_run, ended, nobody := uuid4(), reason="wrong customer", actor="ann")
    last, first = trail(core)
    assert last.action_id > first.action_id
    assert (last.at, last.actor, last.action, last.flow_slug) == (core.now(), "ann", "cancel", "f")
    assert last.session_role == core.value("select session_user")
    assert (last.run_ids, last.run_count) == (sorted((open_run, ended, nobody)), 3)
    assert last.arguments == {"reason": "wrong customer"}
    assert last.outcome == {"cancelled": 1, "already_cancelled": 1, "no_such_run": 1}
    assert (first.actor, first.arguments) == (None, {})


def test_a_call_for_nothing_leaves_no_row(core: Core) -> None:
    cancel(core)
    assert trail(core) == []


def test_runs_of_several_flows_have_no_flow(core: Core) -> None:
    cancel(core, *start(core), *start(core, "g"))
    cancel(core, uuid4())
    assert [row.flow_slug for row in trail(core)] == [None, None]


def test_the_first_twenty_runs_and_their_number(core: Core) -> None:
    runs = start(core, count=25)
    cancel(core, *runs)
    (row,) = trail(core)
    assert (row.run_ids, row.run_count, row.outcome) == (sorted(runs)[:20], 25, {"cancelled": 25})


def test_long_texts_are_cut(core: Core) -> None:
    (run_id,) = start(core)
    cancel(core, run_id, reason="x" * 100_000, actor="y" * 100_000)
    (row,) = trail(core)
    assert (len(row.actor), len(row.arguments["reason"])) == (200, 300)
    assert core.run(run_id).cancel_reason == "x" * 100_000


def test_of_a_run_of_a_flow_page_by_page(core: Core) -> None:
    runs = [*start(core, count=3), *start(core, "g")]
    for run_id in runs:
        cancel(core, run_id)
    ids = [row.action_id for row in trail(core)]
    assert [row.run_ids for row in trail(core, only_run=runs[1])] == [[runs[1]]]
    assert [row.run_ids for row in trail(core, only_flow="g")] == [[runs[3]]]
    assert trail(core, only_run=runs[1], only_flow="g") == []
    assert numbers(trail(core, max_actions=2)) == ids[:2]
    assert numbers(trail(core, max_actions=2, before_id=ids[1])) == ids[2:]
    assert trail(core, max_actions=-1) == []


def numbers(rows: Iterable[Row]) -> list[int]:
    return [row.action_id for row in rows]


@pytest.mark.parametrize(
    "prune", ["pgflow.prune_batch('1 day', 10)", "pgflow.prune_data_older_than('1 day')"]
)
def test_pruned_with_the_rest(core: Core, prune: str) -> None:
    old, new = start(core, count=2)
    cancel(core, old)
    core.run_sql("update pgflow.actions set at = at - interval '2 days'")
    cancel(core, new)
    core.run_sql(f"select {prune}")
    assert [row.run_ids for row in trail(core)] == [[new]]


def test_it_goes_with_its_flow(core: Core) -> None:
    cancel(core, *start(core))
    cancel(core, *start(core, "g"))
    core.run_sql("select pgflow.delete_flow_and_data('f')")
    assert [row.flow_slug for row in trail(core)] == ["g"]


def test_the_role_that_is_connected_is_noted_whoever_owns_the_function(core: Core) -> None:
    role = f"pgflow_test_{uuid4().hex[:12]}"
    (run_id,) = start(core)
    core.run_sql(f"create role {role}")
    core.run_sql(f"grant usage on schema pgflow to {role}")
    core.run_sql(f"grant execute on function pgflow.cancel_runs to {role}")
    core.run_sql(f"set local session authorization {role}")
    cancel(core, run_id, actor="somebody else")
    core.run_sql("reset session authorization")
    assert [(row.session_role, row.actor) for row in trail(core)] == [(role, "somebody else")]
