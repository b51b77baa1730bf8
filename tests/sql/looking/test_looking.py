"""What pages and commands read of runs, tasks, workers and flows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from tests.support.core import Core, Row


def by_kind(rows: list[Row]) -> dict[tuple[str | None, str], Any]:
    return {(row.step_slug, row.kind): row for row in rows}


def shown(core: Core, run_id: UUID) -> dict[tuple[str, int], tuple[str, datetime | None]]:
    rows = core.call("list_tasks", run_id=run_id)
    return {(row.step_slug, row.task_index): (row.status, row.ended_at) for row in rows}


def test_list_flows(core: Core) -> None:
    core.flow("g", "a", "b < a")
    core.flow("f")
    assert [(row.flow_slug, row.step_count) for row in core.call("list_flows")] == [("f", 0), ("g", 2)]


def test_list_tasks_in_pieces(core: Core) -> None:
    core.flow("f", "m:map", "s", max_attempts=1)
    run = core.start_flow("f", list(range(30)))
    rows = core.call("list_tasks", run_id=run.run_id, max_tasks=10)
    assert [(row.step_slug, row.task_index) for row in rows] == [*(("m", n) for n in range(10)), ("s", 0)]
    rows = core.call("list_tasks", run_id=run.run_id, only_step="m", from_index=25)
    assert [row.task_index for row in rows] == list(range(25, 30))
    assert {row.status for row in rows} == {"queued"}
    core.poll("f")
    core.fail_task(run.run_id, "m", 0, "x" * 1000)
    (failed, *_) = core.call("list_tasks", run_id=run.run_id, only_step="m", max_tasks=1)
    task = core.task(run.run_id, "m", 0)
    assert (failed.status, failed.error_message, failed.ended_at) == ("failed", "x" * 300, task.failed_at)
    assert core.call("list_tasks", run_id=uuid4()) == []


def test_get_task_of_maps_and_others(core: Core) -> None:
    core.flow("f", "root:map", "next:map < root", "last < next")
    run = core.start_flow("f", ["a", None, {"b": 1}])

    def element(step: str, index: int) -> Any:
        return core.value("select pgflow.get_task(%s, %s, %s)", run.run_id, step, index)["element"]

    assert [element("root", n) for n in range(3)] == ["a", None, {"b": 1}]
    for n in range(3):
        core.work("f", n * 10)
    assert [element("next", n) for n in range(3)] == [0, 10, 20]
    for n in range(3):
        core.work("f", n)
    assert element("last", 0) is None
    task = core.value("select pgflow.get_task(%s, 'next', 1)", run.run_id)
    assert (task["status"], task["output"], task["attempts_count"]) == ("completed", 1, 1)
    assert core.value("select pgflow.get_task(%s, 'next', 99)", run.run_id) is None
    assert core.value("select pgflow.get_task(%s, 'nothing', 0)", run.run_id) is None


def test_tasks_end_with_their_run_or_step(live: Core) -> None:
    live.create_flow("f", max_attempts=1)
    live.add_step("f", "a", [])
    live.add_step("f", "b", [])
    live.add_step("f", "m", [], step_type="map", when_exhausted="skip")
    run = live.start_flow("f", [1, 2])
    live.poll("f", 4)
    live.fail_task(run.run_id, "m", 0, "tolerated")
    skipped_at = live.step(run.run_id, "m").skipped_at
    assert shown(live, run.run_id)[("m", 1)] == ("cancelled", skipped_at)
    live.fail_task(run.run_id, "a", 0, "fatal")
    failed_at = live.run(run.run_id).failed_at
    found = shown(live, run.run_id)
    assert found[("m", 1)] == ("cancelled", skipped_at)
    assert found[("b", 0)] == ("cancelled", failed_at)
    assert found[("a", 0)][0] == "failed"
    task = live.value("select pgflow.get_task(%s, 'b', 0)", run.run_id)
    assert (task["status"], datetime.fromisoformat(task["ended_at"])) == ("cancelled", failed_at)
    assert live.task(run.run_id, "b").status == "started"
    (a, b, m) = live.rows("select * from pgflow.measure_steps('f')")
    assert (b.started_count, b.started_task_count, b.cancelled_count, b.cancelled_task_count) == (0, 0, 1, 1)
    assert (a.cancelled_task_count, m.cancelled_count, m.cancelled_task_count) == (0, 0, 1)


def test_get_run_values(core: Core) -> None:
    core.flow("f", "a", "b < a")
    run = core.start_flow("f", {"n": 1})
    core.work("f", ["x" * n for n in range(300)])
    found = by_kind(core.call("get_run_values", run_id=run.run_id))
    assert set(found) == {(None, "input"), ("a", "output")}
    assert found[(None, "input")].value == {"n": 1}
    assert len(found[("a", "output")].value) == 300
    core.work("f", None)
    found = by_kind(core.call("get_run_values", run_id=run.run_id, max_bytes=100))
    assert set(found) == {(None, "input"), (None, "output"), ("a", "output"), ("b", "output")}
    assert found[(None, "output")].value == {"b": None}
    assert found[("a", "output")].value is None
    assert found[("a", "output")].stored_bytes > 100
    assert core.call("get_run_values", run_id=uuid4()) == []


def test_list_workers(core: Core) -> None:
    first, second, old = core.worker("f"), core.worker("g"), core.worker("h")
    core.run_sql(
        "update pgflow.workers set last_heartbeat_at = clock_timestamp() - '2 days'::interval"
        " where worker_id = %s",
        old,
    )
    core.run_sql("select pgflow.deprecate_worker(%s)", first)
    core.run_sql("select pgflow.mark_worker_stopped(%s)", second)
    rows = {row.worker_id: row for row in core.call("list_workers")}
    assert {first, second} <= set(rows)
    assert old not in rows
    assert rows[first].deprecated_at is not None
    assert (rows[first].stopped_at, rows[first].details) == (None, {})
    assert rows[second].stopped_at is not None
    assert len(core.call("list_workers", max_workers=1)) == 1


def test_measure_runs(core: Core) -> None:
    core.flow("f", "a")
    core.run_sql(
        """insert into pgflow.runs (flow_slug, status, input, started_at, completed_at, failed_at)
           select 'f', case when n = 0 then 'failed' else 'completed' end, '{}', t.at,
             case when n <> 0 then t.at + n * interval '1 second' end,
             case when n = 0 then t.at + interval '9 seconds' end
           from generate_series(0, 4) n, lateral (select now() - interval '25 minutes' as at) t"""
    )
    core.start_flow("f")
    rows = core.call("measure_runs", flow_slug="f", part_count=6)
    assert [row.run_count for row in rows] == [0, 0, 0, 5, 0, 1]
    assert [row.completed_count for row in rows] == [0, 0, 0, 4, 0, 0]
    assert [row.failed_count for row in rows] == [0, 0, 0, 1, 0, 0]
    assert (rows[3].duration_p50_seconds, rows[3].part_seconds) == (2.5, 600)
    assert rows[5].duration_p50_seconds is None
    assert (rows[1].part_at - rows[0].part_at).total_seconds() == 600


def test_measure_runs_says_where_it_did_not_look(core: Core) -> None:
    core.flow("f", "a")
    core.run_sql(
        """insert into pgflow.runs (flow_slug, input, started_at)
           select 'f', '{}', now() - n * interval '1 minute' from generate_series(1, 59) n"""
    )
    rows = core.call("measure_runs", flow_slug="f", part_count=6, max_runs=15)
    assert [row.run_count for row in rows] == [None, None, None, None, 5, 10]


def test_find_tasks(live: Core) -> None:
    live.flow("f", "m:map", max_attempts=2, base_delay=0)
    run = live.start_flow("f", list(range(6)))
    worker = live.worker("f")
    live.poll("f", 5, worker_id=worker)
    live.call(
        "fail_tasks", worker_ids=[worker] * 3, run_ids=[run.run_id] * 3, step_slugs=["m"] * 3,
        task_indexes=[0, 1, 2], attempts=[1] * 3, error_messages=["x"] * 3, retryable=[True] * 3,
        retry_after=[None, 600, None],
    )  # fmt: skip
    live.poll("f", 2, worker_id=worker)
    live.run_sql(
        "update pgflow.step_tasks set started_at = queued_at,"
        " completed_at = queued_at + task_index * interval '1 s',"
        " status = 'completed', failed_at = null, output = '1' where task_index in (3, 4)"
    )

    def those(name: str, **more: int) -> list[int]:
        rows = live.call("find_tasks", run_id=run.run_id, only_step="m", only_those=name, **more)
        return [row.task_index for row in rows]

    assert those("retried") == [0, 2]
    assert those("polling") == [1]
    (polling,) = live.call("find_tasks", run_id=run.run_id, only_step="m", only_those="polling")
    assert 590 < (polling.again_at - live.clock()).total_seconds() <= 600
    assert those("failed") == []
    assert those("slowest")[:2] == [4, 3]
    assert those("slowest", skip=1, max_tasks=1) == [3]
    live.fail_task(run.run_id, "m", 2, "fatal")
    assert those("failed") == [2]
    assert those("polling") == []


def test_group_failures(live: Core) -> None:
    live.flow("f", "a", max_attempts=1)
    live.flow("g", "a", max_attempts=1)
    messages = [
        "ValueError: order 17 is gone\n  File x",
        "ValueError: order 18 is gone",
        "KeyError: 'x'",
        None,
    ]
    runs = {}
    for flow in ("f", "g"):
        for message in messages:
            run_id = live.start_flow(flow, 1).run_id
            live.poll(flow)
            live.call("fail_task", run_id=run_id, step_slug="a", task_index=0, error_message=message)
            runs[flow, message] = run_id
    groups = live.call("group_failures")
    assert len(groups) == 6
    (orders,) = live.call("group_failures", only_flow="f", max_groups=100)[2:]
    assert (orders.step_slug, orders.message, orders.run_count) == ("a", "ValueError: order 18 is gone", 2)
    assert orders.error_key == "ValueError: order # is gone"
    assert orders.last_run_id == runs["f", messages[1]]
    assert orders.first_at < orders.last_at
    found = live.call("find_runs", only_status="failed", only_flow="f", only_error=orders.error_key)
    assert {row.run_id for row in found} == {runs["f", messages[0]], runs["f", messages[1]]}
    (silent,) = live.call("find_runs", only_status="failed", only_flow="f", only_error="")
    assert silent.run_id == runs["f", None]
    assert live.call("group_failures", recent="-1 s") == []
