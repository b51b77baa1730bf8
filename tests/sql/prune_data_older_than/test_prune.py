"""The semantics of pruning, in one go and in batches (specification/core.md, "Reading and deleting")."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.support.batch import register
from tests.support.core import Core


def prune_all(core: Core) -> None:
    core.run_sql("select pgflow.prune_data_older_than(retention_interval => interval '7 days')")


def prune_in_batches(core: Core) -> None:
    for _ in range(50):
        if (
            core.value("select pgflow.prune_batch(retention_interval => interval '7 days', max_runs => 2)")
            == 0
        ):
            return
    raise AssertionError("pruning does not end")


@pytest.fixture(params=[prune_all, prune_in_batches])
def prune(request: pytest.FixtureRequest) -> Callable[[Core], None]:
    chosen: Callable[[Core], None] = request.param
    return chosen


def aged(core: Core, run_id: UUID, days: int) -> None:
    """Move everything about a run into the past."""
    for table, columns in {
        "runs": ("started_at", "completed_at", "failed_at"),
        "step_states": ("created_at", "started_at", "completed_at", "failed_at", "skipped_at"),
        "step_tasks": ("queued_at", "started_at", "completed_at", "failed_at"),
    }.items():
        changes = ", ".join(f"{column} = {column} - make_interval(days => %(days)s)" for column in columns)
        core.run_sql(
            f"update pgflow.{table} set {changes} where run_id = %(run)s", {"days": days, "run": run_id}
        )


def completed(core: Core, days: int) -> UUID:
    run = core.start_flow("f", {"done": days})
    core.work("f", [])
    aged(core, run.run_id, days)
    result: UUID = run.run_id
    return result


def failed(core: Core, days: int) -> UUID:
    run = core.start_flow("f", {"failed": days})
    core.poll("f")
    core.fail_task(run.run_id, "a")
    aged(core, run.run_id, days)
    result: UUID = run.run_id
    return result


@pytest.fixture
def flow(core: Core) -> str:
    return core.flow("f", "a", "m:map < a", max_attempts=1)


def kept(core: Core) -> set[UUID]:
    return {row.run_id for row in core.rows("select run_id from pgflow.runs")}


def test_finished_runs(core: Core, flow: str, prune: Callable[[Core], None]) -> None:
    old = [make(core, days) for make in (completed, failed) for days in (8, 100)]
    new = [make(core, days) for make in (completed, failed) for days in (0, 6)]
    prune(core)
    assert kept(core) == set(new)
    for table in ("step_states", "step_tasks"):
        rows = core.rows(f"select distinct run_id from pgflow.{table}")
        assert {row.run_id for row in rows} == set(new)
    assert len(old) == 4


def test_running_runs_stay_however_old(core: Core, flow: str, prune: Callable[[Core], None]) -> None:
    run = core.start_flow(flow)
    aged(core, run.run_id, 1000)
    prune(core)
    assert kept(core) == {run.run_id}
    assert len(core.queue("f")) == 1


def test_messages_of_pruned_runs(core: Core, flow: str, prune: Callable[[Core], None]) -> None:
    run = core.start_flow(flow)
    core.run_sql("update pgflow.runs set status = 'failed', failed_at = now() where run_id = %s", run.run_id)
    aged(core, run.run_id, 10)
    prune(core)
    assert core.queue("f") == []
    assert kept(core) == set()


def test_archived_messages(core: Core, flow: str, prune: Callable[[Core], None]) -> None:
    for _ in range(2):
        core.start_flow(flow)
        core.work("f", [])
    core.run_sql("update pgmq.a_f set archived_at = now() - interval '8 days' where msg_id = 1")
    prune(core)
    assert [row.msg_id for row in core.archive("f")] == [2]


def test_workers(core: Core, flow: str, prune: Callable[[Core], None]) -> None:
    old, edge = register(core, "f"), register(core, "f")
    for worker, days in ((old, "7 days 1 second"), (edge, "7 days")):
        core.run_sql(
            f"""update pgflow.workers set started_at = now() - interval '30 days',
                  last_heartbeat_at = now() - interval '{days}' where worker_id = %s""",
            worker,
        )
    prune(core)
    assert [row.worker_id for row in core.rows("select worker_id from pgflow.workers")] == [edge]


def test_flows_of_capital_letters(core: Core, prune: Callable[[Core], None]) -> None:
    core.flow("MyFlow", "a")
    run = core.start_flow("MyFlow")
    core.work("MyFlow", 1)
    aged(core, run.run_id, 10)
    core.run_sql("update pgmq.a_myflow set archived_at = now() - interval '8 days'")
    prune(core)
    assert kept(core) == set()
    assert core.archive("MyFlow") == []


def test_a_batch_has_its_limit(core: Core, flow: str) -> None:
    for days in range(8, 13):
        completed(core, days)
    assert core.value("select pgflow.prune_batch(interval '7 days', 2)") == 2
    assert len(kept(core)) == 3
    assert core.value("select pgflow.prune_batch(interval '7 days', 100)") == 3
    assert core.value("select pgflow.prune_batch(interval '7 days', 100)") == 0
