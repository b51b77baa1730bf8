"""The view of runs, and that looking at a page of it does not read all runs."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.core import Core, Row

FEW, MANY = 500, 4000


def overview(core: Core, run_id: UUID) -> Row:
    return core.row("select * from pgflow.run_overview where run_id = %s", run_id)


def test_a_run_that_goes_on(core: Core) -> None:
    core.flow("f", "a", "b < a", "c < b")
    run = core.start_flow("f")
    core.work("f", 1)
    core.run_sql(
        """update pgflow.runs set started_at = started_at - interval '1 h' where run_id = %s""", run.run_id
    )
    found = overview(core, run.run_id)
    assert (found.flow_slug, found.status, found.ended_at, found.error_message) == (
        "f",
        "started",
        None,
        None,
    )
    counts = (
        found.step_count, found.created_step_count, found.started_step_count, found.completed_step_count,
        found.failed_step_count, found.skipped_step_count,
    )  # fmt: skip
    assert counts == (3, 1, 1, 1, 0, 0)
    assert found.duration_seconds == pytest.approx(3600, abs=30)


def test_a_completed_run(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.work("f", 1)
    core.run_sql(
        "update pgflow.runs set completed_at = started_at + interval '90 s' where run_id = %s", run.run_id
    )
    found = overview(core, run.run_id)
    assert (found.status, found.completed_step_count, found.duration_seconds) == ("completed", 1, 90)
    assert found.ended_at == core.run(run.run_id).completed_at


def test_a_failed_run(core: Core) -> None:
    core.flow("f", "a", "b", "c < a b", max_attempts=1)
    run = core.start_flow("f")
    core.poll("f", 2)
    core.fail_task(run.run_id, "b", 0, "no luck")
    found = overview(core, run.run_id)
    assert (found.status, found.failed_step_slug, found.error_message) == ("failed", "b", "no luck")
    counts = (found.started_step_count, found.created_step_count, found.cancelled_step_count)
    assert (found.failed_step_count, *counts) == (1, 0, 0, 2)
    assert found.ended_at == core.run(run.run_id).failed_at


def test_a_flow_without_steps(core: Core) -> None:
    core.flow("f")
    run = core.start_flow("f")
    found = overview(core, run.run_id)
    assert (found.status, found.step_count, found.failed_step_slug) == ("completed", 0, None)


@pytest.fixture(scope="module")
def question() -> dict[str, str]:
    """What dashboards ask, none of which may read all runs."""
    return {
        "latest": "select * from pgflow.run_overview order by run_id desc limit 20",
        "next page": """select * from pgflow.run_overview
            where run_id < (select run_id from pgflow.runs order by run_id desc offset 40 limit 1)
            order by run_id desc limit 20""",
        "latest of a flow": """select * from pgflow.run_overview where flow_slug = 'f'
            order by started_at desc limit 20""",
        "of a rare flow": """select * from pgflow.run_overview where flow_slug = 'rare'
            order by started_at desc limit 20""",
        "since a time": """select * from pgflow.run_overview where flow_slug = 'f'
            and started_at > now() - interval '10 s' order by started_at desc limit 20""",
        "one": "select * from pgflow.run_overview where run_id = (select max(run_id::text)::uuid from few)",
        "list": "select * from pgflow.list_runs()",
        "list of a rare flow": "select * from pgflow.list_runs('rare')",
    }


@pytest.mark.parametrize(
    "name",
    ["latest", "next page", "latest of a flow", "of a rare flow", "since a time", "one", "list",
     "list of a rare flow"],
)  # fmt: skip
def test_a_page_costs_the_same_among_many_runs(live: Core, question: dict[str, str], name: str) -> None:
    live.flow("rare", "a")
    live.flow("f", "a", "b < a")
    live.run_sql("create temporary table few as select run_id from pgflow.start_flow('rare', '1')")
    try:
        costs = []
        for count in (FEW, MANY):
            live.run_sql(
                "select count(*) from pgflow.start_flows('f', array_fill('1'::jsonb, array[%s]))", count
            )
            spread(live)
            live.rows(question[name])
            costs.append(pages(live, question[name]))
    finally:
        live.run_sql("drop table few")
    assert costs[1] <= 2 * costs[0] + 20, costs


def spread(core: Core) -> None:
    """As if the runs had been started one after the other, ten a second."""
    core.run_sql(
        """update pgflow.runs r set started_at = now() - n.number * interval '100 ms'
           from (select run_id, row_number() over (order by run_id desc) as number from pgflow.runs) n
           where n.run_id = r.run_id"""
    )
    core.run_sql("vacuum (full, analyze) pgflow.runs")
    core.run_sql("vacuum (analyze) pgflow.step_states")


def pages(core: Core, query: str) -> int:
    (plan,) = core.value(f"explain (analyze, buffers, format json) {query}")
    found: int = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return found


def test_steps_are_not_counted_where_nobody_asks(core: Core) -> None:
    (plan,) = core.value(
        "explain (format json) select flow_slug, status, count(*) from pgflow.run_overview group by 1, 2"
    )
    assert "step_states" not in str(plan)
