"""Flows run to their end: chains, fan-out, both kinds of handlers, several flows in one process."""

from __future__ import annotations

import uuid

from tests.support.worker_lab import Lab


def test_a_chain_of_async_and_sync_handlers(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        assert lab.completed(lab.start("chain", 4)) == {"third": [5, 50]}
        assert worker.stop() == 0


def test_a_fan_out_keeps_its_order_and_hands_the_flow_input_along(lab: Lab) -> None:
    with lab.worker("fan", max_concurrent="7"):
        size = 150
        run = lab.start("fan", size)
        squares = [size if n == 3 else n * n for n in range(size)]
        assert lab.completed(run) == {"sum": sum(squares) + sum(range(size))}
        states = lab.sql(
            "select output from pgflow.step_states where run_id = %s and step_slug = 'square'", run
        )
        assert states[0]["output"] == squares


def test_an_empty_array_runs_no_tasks(lab: Lab) -> None:
    with lab.worker("fan"):
        run = lab.start("fan", 0)
        assert lab.completed(run) == {"sum": 0}
        assert [task["step_slug"] for task in lab.tasks(run)] == ["numbers", "sum"]


def test_many_runs_of_two_flows_share_one_process(lab: Lab) -> None:
    with lab.worker("chain", "fan", max_concurrent="5", batch_size="3", max_pg_connections="2"):
        chains = [lab.start("chain", n) for n in range(20)]
        fans = [lab.start("fan", 2) for _ in range(5)]
        assert [lab.completed(run) for run in chains] == [{"third": [n + 1, (n + 1) * 10]} for n in range(20)]
        assert [lab.completed(run) for run in fans] == [{"sum": 2}] * 5


def test_each_flow_of_a_process_has_a_row_of_its_own(lab: Lab) -> None:
    with lab.worker("chain", "fan", name="worker-of-two") as worker:
        rows = lab.sql("select * from pgflow.workers order by queue_name")
        assert [row["queue_name"] for row in rows] == ["chain", "fan"]
        assert {row["function_name"] for row in rows} == {"worker-of-two"}
        assert len({row["worker_id"] for row in rows}) == 2
        assert worker.stop() == 0
        assert all(row["stopped_at"] for row in lab.sql("select * from pgflow.workers"))


def test_an_idle_worker_is_notified(lab: Lab) -> None:
    """The fallback is set to an hour: only a notification can make the worker look."""
    with lab.worker("chain", max_poll_seconds="3600"):
        lab.until_idle("chain")
        for n in range(5):
            assert lab.completed(lab.start("chain", n)) == {"third": [n + 1, (n + 1) * 10]}


def test_an_idle_worker_wakes_for_a_delayed_step(lab: Lab) -> None:
    """Delayed messages never notify; the worker knows when they become visible."""
    with lab.worker("delayed", max_poll_seconds="3600"):
        assert lab.completed(lab.start("delayed", 1)) == {"late": 2}


def test_without_notifications_a_worker_polls(lab: Lab) -> None:
    with lab.worker("chain", poll_only="", poll_interval_ms="20"):
        listening = "select 1 from pg_stat_activity where query ilike 'listen %'"
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        assert not lab.sql(listening)
        assert not lab.sql("select 1 from pgflow.announcements")


def test_the_context_knows_the_task(lab: Lab) -> None:
    with lab.worker("facts", max_concurrent="3"):
        run = lab.start("facts", {"label": "ab", "unknown": 1})
        output = lab.completed(run)
    first, second = output["look"]
    assert (first["index"], second["index"]) == (0, 1)
    assert first["label"] == second["label"] == "ab"
    assert first["message"] == {"flow_slug": "facts", "run_id": run, "step_slug": "look", "task_index": 0}
    assert "is async" in first["wrong"]
    assert (first["slots"], first["has_path"]) == (3, True)
    assert output["read"]["label"] == "ab"
    assert "is sync" in output["read"]["wrong"]
    uuid.UUID(first["message"]["run_id"])
