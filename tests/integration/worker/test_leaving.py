"""Workers that end by themselves: when there is nothing to do, and after so many tasks."""

from __future__ import annotations

import signal

import psycopg
import pytest

from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess


def _states(lab: Lab, run: str) -> list[str]:
    return [str(task["status"]) for task in lab.tasks(run)]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_ends_when_there_is_nothing_left_to_do(lab: Lab, processes: str) -> None:
    runs = [lab.start("chain", number) for number in range(3)]
    worker = WorkerProcess.launch(lab, ["chain"], {"exit-when-idle": "0.5", "processes": processes})
    assert worker.exit_code(60) == 0
    assert [lab.run(run)["status"] for run in runs] == ["completed"] * 3
    assert "nothing to do for 0.5 s: no new tasks" in worker.log
    assert "stopped chain" in worker.log
    assert lab.sql("select 1 from pgflow.workers where stopped_at is null") == []


def test_a_handler_at_work_is_something_to_do(lab: Lab) -> None:
    run = lab.start("held", {"folder": str(lab.folder), "name": "a"})
    worker = WorkerProcess.launch(lab, ["held"], {"exit-when-idle": "0"})
    lab.begun("a.begun.1")
    with pytest.raises(AssertionError, match="does not end"):
        worker.exit_code(2)
    lab.let_go("a.go")
    assert worker.exit_code() == 0
    assert lab.run(run)["status"] == "completed"


def test_a_database_that_refuses_is_no_reason_to_end(lab: Lab) -> None:
    """There is nothing to do only where a look has said so."""
    with psycopg.connect(lab.dsn) as connection:
        connection.execute("lock table pgmq.q_chain in access exclusive mode")
        worker = WorkerProcess.launch(lab, ["chain"], {"exit-when-idle": "0.5"})
        eventually(lambda: worker.log.count("cannot look for work") >= 2)
        assert worker.process.poll() is None
    assert worker.exit_code() == 0
    assert "nothing to do for 0.5 s" in worker.log


def test_a_process_begins_as_many_tasks_as_it_may_and_finishes_them(lab: Lab) -> None:
    run = lab.start("fan", 6)
    options = {"max-tasks": "4", "max-concurrent": "3"}
    worker = WorkerProcess.launch(lab, ["fan"], options)
    assert worker.exit_code(60) == 0
    assert "4 tasks begun, which is all it may: no new tasks" in worker.log
    assert sum(task["attempts_count"] for task in lab.tasks(run)) == 4
    assert _states(lab, run).count("completed") == 4
    assert _states(lab, run).count("started") == 0


def test_the_last_task_may_take_longer_than_the_time_of_grace(lab: Lab) -> None:
    run = lab.start("held", {"folder": str(lab.folder), "name": "a"})
    worker = WorkerProcess.launch(lab, ["held"], {"max-tasks": "1", "grace-seconds": "0"})
    worker.until_logged("1 task begun")
    lab.begun("a.begun.1")
    lab.let_go("a.go")
    assert worker.exit_code() == 0
    assert lab.run(run)["status"] == "completed"


def test_signals_count_as_ever_while_the_last_task_runs(lab: Lab) -> None:
    run = lab.start("held", {"folder": str(lab.folder), "name": "a"})
    worker = WorkerProcess.launch(lab, ["held"], {"max-tasks": "1", "grace-seconds": "0"})
    worker.until_logged("1 task begun")
    lab.begun("a.begun.1")
    worker.signal(signal.SIGTERM)
    assert worker.exit_code() == 0
    assert _states(lab, run) == ["queued"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("exit-when-idle", "-1", "the least is 0"),
        ("max-tasks", "0", "the least is 1"),
        ("max-tasks", "x", "x"),
    ],
)
def test_values_that_make_no_sense_are_refused(lab: Lab, option: str, value: str, words: str) -> None:
    done = lab.project.run("worker", "flows.lab:chain", "--dsn", lab.dsn, f"--{option}={value}")
    assert done.returncode == 2
    assert words in done.stderr
