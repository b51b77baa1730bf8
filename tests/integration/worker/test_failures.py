"""What becomes of handlers that fail, steer, overrun their time, or return what does not fit."""

from __future__ import annotations

import json
import re
from urllib.request import urlopen

from tests.support.worker_lab import Lab


def test_a_failed_attempt_is_retried(lab: Lab) -> None:
    with lab.worker("steer") as worker:
        run = lab.start("steer", {"what": "late success"})
        assert lab.completed(run) == {"obey": {"attempt": 2}}
        assert lab.task(run)["attempts_count"] == 2
        assert "retry 1/1 in 1 s" in worker.log


def test_exhausted_attempts_fail_the_run_with_the_last_message(lab: Lab) -> None:
    with lab.worker("steer"):
        run = lab.start("steer", {"what": "always"})
        message = lab.failed(run)
        assert message.startswith("ValueError: attempt 2\n")
        assert 'lab.py", line' in message
        assert "in obey" in message
        assert "pgflow_runtime" not in message
        assert lab.task(run)["attempts_count"] == 2


def test_retry_after_replaces_the_delay(lab: Lab) -> None:
    with lab.worker("steer") as worker:
        assert lab.completed(lab.start("steer", {"what": "retry after"})) == {"obey": {"attempt": 2}}
        assert "asked to run again in 2 s" in worker.log
        assert not {"WARNING", "ERROR", "failed"} & set(worker.log.split())


def test_runs_that_poll_write_no_flood_of_lines(lab: Lab) -> None:
    with lab.worker("poll", health_port="0") as worker:
        runs = [lab.start("poll", 8) for _ in range(20)]
        for run in runs:
            assert lab.completed(run) == {"ask": 8}
        (task, *_) = lab.tasks(runs[0])
        assert (task["again_count"], task["attempts_count"]) == (7, 8)
        lines = worker.log.splitlines()
        assert 1 <= sum("asked to run again" in line for line in lines) <= len(runs)
        assert len(lines) < 3 * len(runs)
        assert "failed" not in worker.log
        port = re.search(r"http://127.0.0.1:(\d+)", worker.log)
        assert port is not None
        with urlopen(f"http://127.0.0.1:{port[1]}/metrics") as answer:
            text = answer.read().decode()
        assert 'pgflow_tasks_total{flow="poll",step="ask",outcome="again"} 140' in text


def test_a_task_may_put_itself_off_for_days_but_not_for_ever(lab: Lab) -> None:
    with lab.worker("poll") as worker:
        run = lab.start("poll", 3)
        worker.until_logged("asked to run again in 3 days")
        (due,) = lab.sql("select extract(epoch from due_at - now()) / 86400 as days from pgflow.timers")
        assert 2.99 < due["days"] <= 3
        shown = lab.project.ok("runs", "show", run, "--dsn", lab.dsn).stdout
        assert "attempt 1 of 20 asked to run again" in shown
        lab.start("poll", 400)
        worker.until_logged("ValueError: RetryAfter waits for a year at most")


STEERED = {
    "non-retryable": ("NonRetryable: never mind\n", 1),
    "exit": ("SystemExit: 3\n", 2),
    "interrupt": ("KeyboardInterrupt: pressed\n", 2),
    "cancelled": ("CancelledError: of its own accord\n", 2),
    "unprintable": ("UnprintableError: (its text cannot be had: __str__ raised RuntimeError)\n", 2),
    "nul": ("ValueError: a\ufffdb \ufffd c\n", 2),
    "nan": ("BoundaryError: output.attempt: ", 1),
    "set": ("BoundaryError: output.attempt: ", 1),
    "wrong type": ("BoundaryError: output.attempt: expected int", 1),
    "dance": ("BoundaryError: flow_input.what: expected one of", 1),
}
"""What the handler does, how the task's message begins, and how many attempts are made."""


def test_every_failure_is_the_tasks_and_the_worker_goes_on(lab: Lab) -> None:
    with lab.worker("steer", "chain") as worker:
        runs = {what: lab.start("steer", {"what": what}) for what in STEERED}
        for what, run in runs.items():
            start, attempts = STEERED[what]
            assert lab.failed(run)[: len(start)] == start
            assert lab.task(run)["attempts_count"] == attempts, what
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        assert worker.stop() == 0


def test_a_long_message_is_cut(lab: Lab) -> None:
    with lab.worker("steer"):
        message = lab.failed(lab.start("steer", {"what": "huge"}))
        assert len(message.encode()) <= 10_240
        assert message.endswith("(cut)")


def test_extra_keys_and_falsy_values_survive(lab: Lab) -> None:
    with lab.worker("steer"):
        output = lab.completed(lab.start("steer", {"what": "extra key"}))
        assert output == {"obey": {"attempt": 1, "more": [0, False, "", None]}}


def test_only_the_output_the_database_refuses_fails(lab: Lab) -> None:
    """A batch that raises a data error is repeated one by one."""
    lab.sql("alter table pgflow.step_tasks add constraint unlucky check (output <> '13'::jsonb)")
    runs = {n: lab.start("chain", n) for n in range(10, 20)}
    with lab.worker("chain"):
        assert lab.failed(runs.pop(12)).startswith("BoundaryError: the database refuses the output: ")
        for n, run in runs.items():
            assert lab.completed(run) == {"third": [n + 1, (n + 1) * 10]}
            assert [task["attempts_count"] for task in lab.tasks(run)] == [1, 1, 1]


def test_an_output_over_the_limit_fails_before_it_is_sent(lab: Lab) -> None:
    with lab.worker("fan", max_output_bytes="20"):
        run = lab.start("fan", 30)
        assert "is too large" in lab.failed(run)


def test_an_async_handler_is_cancelled_at_its_timeout(lab: Lab) -> None:
    with lab.worker("tight") as worker:
        run = lab.start("tight", {"folder": str(lab.folder), "name": "a", "mode": "obedient"})
        lab.begun("a.begun", "a.cancelled")
        assert lab.failed(run) == "TimeoutError: the task did not end within its timeout of 3 s"
        assert worker.stop() == 0


def test_a_stubborn_handler_keeps_its_slot_and_the_last_one_ends_the_worker(lab: Lab) -> None:
    with lab.worker("tight", "chain", max_concurrent="2") as worker:
        runs = [
            lab.start("tight", {"folder": str(lab.folder), "name": name, "mode": "stubborn"})
            for name in ("a", "b")
        ]
        lab.begun("a.begun", "b.begun")
        for run in runs:
            assert lab.failed(run).startswith("TimeoutError: ")
        assert worker.exit_code() == 1
        assert "keeps its slot; 2 of 2 slots are stuck" in worker.log
        assert "Every slot is held" in worker.log


def test_a_slot_of_a_stubborn_handler_returns_when_it_ends(lab: Lab) -> None:
    with lab.worker("tight", "chain", max_concurrent="2") as worker:
        run = lab.start("tight", {"folder": str(lab.folder), "name": "a", "mode": "stubborn"})
        assert lab.failed(run).startswith("TimeoutError: ")
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        lab.let_go("a.go")
        worker.until_logged("too late: its result is discarded")
        assert lab.run(run)["status"] == "failed"
        assert worker.stop() == 0


def test_a_late_coroutine_that_succeeds_does_not_count(lab: Lab) -> None:
    with lab.worker("tight") as worker:
        run = lab.start("tight", {"folder": str(lab.folder), "name": "a", "mode": "stubborn"})
        lab.begun("a.cancelled")
        lab.let_go("a.go")
        assert lab.failed(run).startswith("TimeoutError: ")
        assert worker.stop() == 0


def test_what_is_running_when_its_run_fails_ends_with_it(lab: Lab) -> None:
    with lab.worker("siblings", health_port="0") as worker:
        run = lab.start("siblings", {"folder": str(lab.folder), "name": "x"})
        assert lab.ended(run)["status"] == "failed"
        shown = lab.project.ok("runs", "show", run, "--dsn", lab.dsn).stdout
        lab.let_go("x.go")
        worker.until_logged("cancelled after")
        assert ": the run has failed  flow=siblings" in worker.log
        assert "another attempt" not in worker.log
        port = re.search(r"http://127.0.0.1:(\d+)", worker.log)
        assert port is not None
        with urlopen(f"http://127.0.0.1:{port[1]}/metrics") as answer:
            text = answer.read().decode()
        assert 'pgflow_tasks_total{flow="siblings",step="busy",outcome="cancelled"} 1' in text
        assert "stale" not in text
    states = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.startswith("  ")}
    assert states["busy"][0] == "cancelled"
    assert states["never"] == ["not", "run"]
    took = lab.project.ok("runs", "show", run, "--dsn", lab.dsn).stdout
    assert took == shown
    document = json.loads(lab.project.ok("runs", "show", run, "--json", "--dsn", lab.dsn).stdout)
    assert {step["step_slug"]: step["status"] for step in document["steps"]}["busy"] == "cancelled"
    assert (document["tasks"]["busy"]["started"], document["tasks"]["busy"]["cancelled"]) == (0, 1)
