"""The ways a worker ends, and what becomes of its tasks: signals, deprecation, kill -9, lost connections."""

from __future__ import annotations

import signal

import psycopg
import pytest
from psycopg import sql

from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def _held(lab: Lab, name: str) -> dict[str, str]:
    return {"folder": str(lab.folder), "name": name}


def test_a_signal_lets_running_handlers_finish(lab: Lab) -> None:
    with lab.worker("held") as worker:
        run = lab.start("held", _held(lab, "a"))
        lab.begun("a.begun.1")
        worker.signal(signal.SIGINT)
        worker.until_logged("stopping")
        later = lab.start("held", _held(lab, "b"))
        lab.let_go("a.go")
        assert worker.exit_code() == 0
        assert lab.run(run)["output"] == {"hold": 1}
        assert lab.task(later)["status"] == "queued"
        assert all(row["stopped_at"] for row in lab.sql("select stopped_at from pgflow.workers"))


def test_after_the_time_of_grace_tasks_are_given_back_uncounted(lab: Lab) -> None:
    with lab.worker("held", "patient", grace_seconds="0.2") as worker:
        runs = [lab.start("held", _held(lab, "a")), lab.start("patient", _held(lab, "b"))]
        lab.begun("a.begun.1", "b.begun.1")
        assert worker.stop() == 0
        assert (lab.folder / "a.cancelled").exists()
        for run in runs:
            task = lab.task(run)
            assert (task["status"], task["attempts_count"], task["error_message"]) == ("queued", 0, None)
    lab.let_go("a.go")
    lab.let_go("b.go")
    with lab.worker("held", "patient"):
        assert lab.completed(runs[0]) == {"hold": 1}
        assert lab.completed(runs[1]) == {"after": "after went"}


@pytest.mark.parametrize(("max_pg_connections", "run_count"), [("3", 3), ("2", 1)])
def test_inputs_that_are_being_fetched_keep_nobody(lab: Lab, max_pg_connections: str, run_count: int) -> None:
    lab.sql(
        """create or replace function pgflow.get_run_input(run_id uuid) returns jsonb language plpgsql
           as $$ begin perform pg_sleep(3600); return null; end $$"""
    )
    with lab.worker("facts", grace_seconds="0.1", max_pg_connections=max_pg_connections) as worker:
        runs = [lab.start("facts", {"label": "a"}) for _ in range(run_count)]
        asking = "select 1 from pgflow.step_tasks where step_slug = 'look' and status = 'started'"
        eventually(lambda: len(lab.sql(asking)) == run_count)  # one is fetched, the others wait for that
        fetching = "select 1 from pg_stat_activity where query like '%get_run_input%' and state = 'active'"
        eventually(lambda: lab.sql(f"{fetching} and pid <> pg_backend_pid()"))
        assert worker.stop() == 0
        assert "destroyed" not in worker.log
        for run in runs:
            assert {task["status"] for task in lab.tasks(run)} == {"completed", "queued"}


def test_a_second_signal_ends_at_once(lab: Lab) -> None:
    with lab.worker("patient") as worker:
        lab.start("patient", _held(lab, "a"))
        lab.begun("a.begun.1")
        worker.signal()
        worker.until_logged("a second signal ends at once")
        worker.signal()
        assert worker.exit_code() == 1


def test_a_handler_sees_the_shutdown(lab: Lab) -> None:
    with lab.worker("patient") as worker:
        run = lab.start("patient", _held(lab, "a") | {"mode": "polite"})
        lab.begun("a.begun.1")
        assert worker.stop() == 0
        (waited, after) = sorted(lab.tasks(run), key=lambda task: str(task["step_slug"]), reverse=True)
        assert (waited["status"], waited["output"]) == ("completed", "stopped")
        assert (after["status"], after["attempts_count"]) == ("queued", 0)


def test_a_deprecated_worker_finishes_and_ends_with_0(lab: Lab) -> None:
    with lab.worker("held") as worker:
        run = lab.start("held", _held(lab, "a"))
        lab.begun("a.begun.1")
        lab.sql("select pgflow.deprecate_worker(worker_id) from pgflow.workers")
        worker.until_logged("is deprecated here")
        later = lab.start("held", _held(lab, "b"))
        lab.let_go("a.go")
        assert worker.exit_code() == 0
        assert lab.run(run)["output"] == {"hold": 1}
        assert lab.task(later)["status"] == "queued"


def test_one_deprecated_flow_does_not_stop_the_other(lab: Lab) -> None:
    with lab.worker("chain", "delayed") as worker:
        lab.sql("select pgflow.deprecate_worker(worker_id) from pgflow.workers where queue_name = 'delayed'")
        worker.until_logged("flow delayed is deprecated here")
        left = lab.start("delayed", 1)
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        assert lab.task(left)["status"] == "queued"
        assert worker.stop() == 0


def test_what_a_killed_worker_had_is_done_by_another(lab: Lab) -> None:
    with lab.worker("held", "fan") as killed:
        run = lab.start("held", _held(lab, "a"))
        lab.begun("a.begun.1")
        killed.signal(signal.SIGKILL)
        assert killed.exit_code() == -signal.SIGKILL
    lab.let_go("a.go")
    with lab.worker("held") as worker:
        lab.silence("worker_id = %s", lab.task(run)["last_worker_id"])
        assert lab.completed(run) == {"hold": 2}
        assert lab.task(run)["requeued_count"] == 1
        assert "stalled task" in worker.log


def test_a_result_with_a_stale_fence_is_refused(lab: Lab) -> None:
    """Another worker took the task over meanwhile: the first one's result must change nothing."""
    with lab.worker("held") as worker:
        run = lab.start("held", _held(lab, "a"))
        lab.begun("a.begun.1")
        lab.sql("update pgflow.step_tasks set attempts_count = attempts_count + 1 where run_id = %s", run)
        lab.let_go("a.go")
        worker.until_logged("result refused")
        task = lab.task(run)
        assert (task["status"], task["output"]) == ("started", None)
        assert worker.stop() == 0


def test_cut_connections_cost_nothing(lab: Lab) -> None:
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    with lab.worker("fan", "held") as worker:
        held = lab.start("held", _held(lab, "a"))
        runs = [lab.start("fan", 40) for _ in range(6)]
        lab.begun("a.begun.1")
        for _ in range(3):
            lab.sql(cut)
            lab.sql(cut)
        lab.let_go("a.go")
        assert [lab.completed(run, timeout=60) for run in runs] == [lab.completed(runs[0])] * 6
        assert lab.completed(held) == {"hold": 1}
        worker.until_logged("lost ")
        counts = lab.sql("select distinct attempts_count, requeued_count from pgflow.step_tasks")
        assert counts == [{"attempts_count": 1, "requeued_count": 0}]
        assert worker.stop() == 0


def _doors(lab: Lab, server: Server, state: str) -> None:
    """Open or close a database: while it is closed all sessions are ended and none begins."""
    name = name_of(lab.dsn)
    alter = sql.SQL("alter database {} allow_connections {}").format(sql.Identifier(name), sql.SQL(state))
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(alter)
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )


def test_a_worker_outlives_the_absence_of_its_database(lab: Lab, postgres_server: Server) -> None:
    with lab.worker("held") as worker:
        run = lab.start("held", _held(lab, "a"))
        lab.begun("a.begun.1")
        _doors(lab, postgres_server, "false")
        lab.let_go("a.go")
        worker.until_logged("lost ")
        _doors(lab, postgres_server, "true")
        assert lab.completed(run) == {"hold": 1}
        assert worker.stop() == 0


@pytest.mark.parametrize("has_noticed", [False, True])
def test_a_worker_stops_without_its_database(lab: Lab, postgres_server: Server, has_noticed: bool) -> None:
    with lab.worker("chain", max_poll_seconds="0.1" if has_noticed else "3600") as worker:
        lab.until_idle("chain")
        _doors(lab, postgres_server, "false")
        if has_noticed:
            worker.until_logged("lost ")
        assert worker.stop() == 0
        assert "could not deregister" in worker.log
    _doors(lab, postgres_server, "true")


def test_a_claim_whose_answer_was_lost_is_given_back(lab: Lab) -> None:
    """The database believes that the worker is at a task the worker has never heard of."""
    with lab.worker("held", max_concurrent="1") as worker:
        first = lab.start("held", _held(lab, "a"))
        lab.begun("a.begun.1")
        second = lab.start("held", _held(lab, "b"))
        lab.let_go("b.go")
        lab.sql("select pgflow.claim_tasks(array[worker_id], '{held}', 1) from pgflow.workers")
        assert lab.task(second)["status"] == "started"
        lab.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        lab.let_go("a.go")
        assert lab.completed(first) == {"hold": 1}
        assert lab.completed(second) == {"hold": 1}
        assert "released 1 task whose claim was lost" in worker.log


def test_a_forked_child_does_not_go_on_as_a_worker(lab: Lab) -> None:
    with lab.worker("forking", "chain") as worker:
        output = lab.completed(lab.start("forking", str(lab.folder)))
        assert all(pid > 0 for pid in output["in_loop"])
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        assert "lost" not in worker.log
        assert worker.stop() == 0


def test_a_worker_whose_row_was_deleted_registers_again(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        lab.sql("delete from pgflow.workers")
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        assert len(lab.sql("select 1 from pgflow.workers")) == 1
        assert worker.stop() == 0


def test_a_worker_says_so_when_its_flow_is_gone(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        # The worker takes the tables in another order: of the two it is the one to begin again.
        lab.sql("set deadlock_timeout = '1min'; drop schema pgflow cascade")
        assert worker.exit_code() == 1
        assert "pgflow-gen migrate" in worker.log


def test_a_step_that_becomes_ready_is_handed_to_the_same_worker(lab: Lab) -> None:
    """Every step but the first starts in the transaction that completed the one before it."""
    with lab.worker("chain"):
        run = lab.start("chain", 1)
        lab.completed(run)
        first, second, third = sorted(lab.tasks(run), key=lambda task: str(task["started_at"]))
        assert [task["step_slug"] for task in (first, second, third)] == ["first", "second", "third"]
        assert (second["started_at"], third["started_at"]) == (first["completed_at"], second["completed_at"])
        assert len(lab.sql("select 1 from pgmq.a_chain")) == 3


def test_an_idle_worker_withdraws_when_it_stops(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        lab.until_idle("chain")
        assert worker.stop() == 0
        assert not lab.sql("select 1 from pgflow.announcements")
        eventually(lambda: lab.sql("select 1 from pgflow.workers where stopped_at is not null"))
