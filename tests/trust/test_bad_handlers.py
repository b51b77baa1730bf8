"""Handlers that hang, lie, burst and run away: each is its own task's trouble, the worker goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.support.crew import crew
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess

FLOWS = ("evil_thread", "evil_loop")


def _start(lab: Lab, flow: str, deed: str) -> str:
    return lab.start(flow, {"folder": str(lab.folder), "deed": deed})


@pytest.fixture
def worker(lab: Lab) -> Iterator[WorkerProcess]:
    """A worker that has to be the same one, with connections that were never lost, after the test."""
    with lab.worker(*FLOWS) as found:
        yield found
        for flow in FLOWS:
            assert lab.completed(_start(lab, flow, "nothing")) is not None
        assert "lost " not in found.log
        assert found.stop() == 0
        assert lab.sql("select * from trust.faults") == []


MESSAGES = {
    "huge": "BoundaryError: output: is too large: 50,000,002 bytes of JSON, the limit is 16,777,216",
    "unprintable": "UnprintableError: (its text cannot be had: __str__ raised SystemExit)",
    "exit": "SystemExit: 3",
    "interrupt": "KeyboardInterrupt",
    "generator exit": "GeneratorExit",
    "out of memory": "MemoryError",
    "recursion": "RecursionError: ",
}


def test_what_a_handler_raises_or_returns_fails_its_task_only(lab: Lab, worker: WorkerProcess) -> None:
    runs = {(deed, flow): _start(lab, flow, deed) for deed in MESSAGES for flow in FLOWS}
    for (deed, flow), run in runs.items():
        assert lab.failed(run).startswith(MESSAGES[deed]), (deed, flow, lab.failed(run))
        assert "pgflow_runtime" not in lab.task(run)["error_message"]
        assert lab.task(run)["attempts_count"] == 1


def test_hanging_handlers_fail_by_their_timeout(lab: Lab, worker: WorkerProcess) -> None:
    """A thread cannot be ended and a coroutine need not obey: they keep their slots, nothing else."""
    deeds = {"evil_thread": "hang", "evil_loop": "hang"}
    runs = [_start(lab, flow, deed) for flow, deed in deeds.items()] + [_start(lab, "evil_loop", "swallow")]
    for run in runs:
        assert lab.failed(run) == "TimeoutError: the task did not end within its timeout of 3 s"
    worker.until_logged("2 of 50 slots are stuck")


def test_forked_children_do_no_harm(lab: Lab, worker: WorkerProcess) -> None:
    """Children that leave through the worker's frames, at once or long after the task, are not workers."""
    for flow in FLOWS:
        (output,) = lab.completed(_start(lab, flow, "fork")).values()
        assert output == "forked"
        (output,) = lab.completed(_start(lab, flow, "fork and live")).values()
        assert output == "forked"
    lab.let_go("child.go")
    lab.begun("child.done")
    assert len(lab.sql("select * from pgflow.step_tasks")) == 4


def test_a_handler_that_ends_the_process_is_stopped_by_the_limit_of_requeues(lab: Lab) -> None:
    """os._exit leaves nobody to report: when three workers have died with it, the task fails as stalled."""
    flow = "evil_thread"
    with crew(lab, 0, flow) as workers:
        run = _start(lab, flow, "os._exit for ever")
        for attempt in range(1, 4):
            name = workers.hire()
            worker = workers.workers.pop(name)
            assert worker.exit_code() == 9
            workers.silence(name)
            assert (lab.task(run)["status"], lab.task(run)["attempts_count"]) == ("started", attempt)
        workers.hire()
        workers.until_serving()
        assert lab.failed(run) == "stalled"
        assert (lab.task(run)["attempts_count"], lab.task(run)["requeued_count"]) == (3, 2)
        assert lab.completed(_start(lab, flow, "nothing")) is not None
        workers.stop()
        assert lab.sql("select * from trust.faults") == []


def test_a_supervised_worker_comes_back_after_os_exit(lab: Lab) -> None:
    with lab.worker(*FLOWS, processes="2") as worker:
        run = _start(lab, "evil_loop", "os._exit")
        worker.until_logged("ended (exit code 9); restarting")
        lab.silence("worker_id = %s", lab.task(run)["last_worker_id"])
        assert lab.completed(run) == {"loop_deed": "good"}
        worker.signal(signal.SIGTERM)
        assert worker.exit_code() == 0


def test_a_handler_that_closes_the_workers_files_ends_it_and_loses_nothing(lab: Lab) -> None:
    """Nobody can work after that; what matters is that the task is there for the next worker."""
    with crew(lab, 1, *FLOWS) as workers:
        run = _start(lab, "evil_thread", "close all files")
        eventually(lambda: lab.task(run)["attempts_count"] == 1)
        eventually(lambda: workers.workers["crew-1"].process.poll() is not None or lab.run(run)["status"])
        workers.kill("crew-1")
        workers.hire()
        assert lab.completed(run) == {"thread_deed": "good"}
        workers.stop()
