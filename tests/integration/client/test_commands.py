"""``start`` and ``runs`` as a user types them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.core import Core
from tests.support.crawl import finish, write_contract
from tests.support.project import Project, clean_environment
from tests.support.wait import eventually

INPUT = '{"urls": ["a", "b"]}'
NOWHERE = "postgresql://localhost:1/none"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path, {})
    write_contract(tmp_path / "generated")
    return project


@contextmanager
def working(hand: Core) -> Iterator[None]:
    """Do whatever work comes up, meanwhile."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.02):
            finish(hand)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_start_prints_the_id(project: Project, dsn: str, hand: Core) -> None:
    done = project.ok("start", "crawl", INPUT, "--dsn", dsn)
    run_id = hand.value("select run_id from pgflow.runs")
    assert done.stdout == f"{run_id}\n"
    assert hand.run(run_id).input == json.loads(INPUT)


def test_start_reads_files_and_stdin(project: Project, dsn: str, hand: Core) -> None:
    project.write("in.json", INPUT)
    project.ok("start", "crawl", "@in.json", "--dsn", dsn)
    command = [sys.executable, "-m", "pgflow_gen", "start", "crawl", "-", "--dsn", dsn]
    subprocess.run(command, input=INPUT, text=True, cwd=project.root, env=clean_environment(), check=True)
    assert hand.value("select count(distinct input) || '/' || count(*) from pgflow.runs") == "1/2"


def test_start_and_wait_prints_the_output(project: Project, dsn: str, hand: Core) -> None:
    with working(hand):
        done = project.ok("start", "crawl", INPUT, "--wait", "--dsn", dsn)
    assert json.loads(done.stdout) == {"note": "n", "report": {"pages": 2}}
    assert "started run" in done.stderr


def test_start_as_json(project: Project, dsn: str) -> None:
    run_id = uuid4()
    for _ in range(2):
        done = project.ok("start", "crawl", INPUT, "--run-id", str(run_id), "--json", "--dsn", dsn)
        found = json.loads(done.stdout)
        assert (found["run_id"], found["status"], found["output"]) == (str(run_id), "started", None)


def test_failed_run_is_exit_code_1_with_the_reason(project: Project, dsn: str, hand: Core) -> None:
    run_id = uuid4()
    project.ok("start", "crawl", INPUT, "--run-id", str(run_id), "--dsn", dsn)
    hand.poll("crawl", 100)
    hand.fail_task(run_id, "urls", 0, "out of stock")
    arguments = ("start", "crawl", INPUT, "--run-id", str(run_id), "--wait", "--dsn", dsn)
    done = project.run(*arguments)
    assert done.returncode == 1
    assert "step 'urls'" in done.stderr
    assert "out of stock" in done.stderr
    done = project.run(*arguments, "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (1, "failed")


def test_waiting_ends_in_time(project: Project, dsn: str) -> None:
    done = project.run("start", "crawl", INPUT, "--wait", "--timeout", "0.1", "--dsn", dsn)
    assert done.returncode == 1
    assert "is still started after 0.1 s" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("crawl", '{"urls": [5]}'), 1, "input.urls[0]: expected string, got int 5"),
        (("crawl", '{"urls": [], "x": 1}'), 1, "unknown key 'x'"),
        (("crawl",), 1, "expected object, got None"),
        (("crawl", "{"), 2, "the input is not JSON"),
        (("crawl", '{"urls": [NaN]}'), 2, "NaN is no number of JSON"),
        (("crawl", '{"urls": [1e400]}'), 2, "1e400 is too large for a float"),
        (("crawl", "9" * 5000), 2, "a number in it has too many digits"),
        (("crawl", "-5"), 1, "expected object, got int -5"),
        (("crawl", "-0.5e1"), 1, "expected object, got number -5.0"),
        (("crawl", "[" * 100_000), 2, "nested too deeply"),
        (("crawl", "@nowhere.json"), 2, "nowhere.json cannot be read"),
        (("crwal", INPUT), 2, "did you mean 'crawl'?"),
        (("crawl", INPUT, "--timeout", "3"), 2, "--timeout has no meaning without --wait"),
        (("crawl", INPUT, "--run-id", "x"), 2, "not a valid UUID"),
        (("crawl", INPUT), 1, "cannot reach localhost:1"),
    ],
)
def test_mistakes_get_a_sentence(project: Project, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = project.run("start", *arguments, "--dsn", NOWHERE)
    assert words in done.stderr
    assert done.returncode == code
    assert not (project.root / ".pgflow").exists(), "with a DSN nothing embedded is touched"


def test_database_without_the_core_says_what_to_do(project: Project, bare_database_dsn: str) -> None:
    done = project.run("start", "crawl", INPUT, "--dsn", bare_database_dsn)
    assert done.returncode == 1
    assert "pgflow-gen migrate" in done.stderr


def test_runs_show_and_list(project: Project, dsn: str, hand: Core) -> None:
    first, second = uuid4(), uuid4()
    for run_id in (first, second):
        project.ok("start", "crawl", INPUT, "--run-id", str(run_id), "--dsn", dsn)
    hand.poll("crawl", 100)
    hand.fail_task(first, "urls", 0, "out of stock")
    listed = project.ok("runs", "list", "--dsn", dsn).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [str(second), str(first)]
    failed = project.ok("runs", "list", "--status", "failed", "--json", "--dsn", dsn)
    assert [row["run_id"] for row in json.loads(failed.stdout)] == [str(first)]
    shown = project.ok("runs", "show", str(first), "--dsn", dsn).stdout
    assert "status  failed" in shown
    assert "out of stock" in shown
    assert (
        json.loads(project.ok("runs", "show", str(second), "--json", "--dsn", dsn).stdout)["run"]["flow_slug"]
        == "crawl"
    )
    unknown = project.run("runs", "show", str(uuid4()), "--dsn", dsn)
    assert (unknown.returncode, "there is no run" in unknown.stderr) == (1, True)


def test_interrupted_wait_says_nothing_of_tracebacks(project: Project, dsn: str, hand: Core) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pgflow_gen", "start", "crawl", INPUT, "--wait", "--dsn", dsn],
        cwd=project.root,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: hand.value("select count(*) > 0 from pgflow.announcements"))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
