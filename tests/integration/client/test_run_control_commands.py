"""``runs cancel``, ``retry``, ``hold``, ``release`` and ``fork``, and ``flows``, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.batch import claim, register
from tests.support.core import Core
from tests.support.crawl import finish, write_contract
from tests.support.project import Project

INPUT = '{"urls": ["a", "b"]}'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path, {})
    write_contract(tmp_path / "generated")
    return project


def started(project: Project, dsn: str) -> str:
    return project.ok("start", "crawl", INPUT, "--dsn", dsn).stdout.strip()


def status(hand: Core, run_id: str) -> str:
    return str(hand.value("select status from pgflow.runs where run_id = %s", run_id))


def test_a_run_is_cancelled_and_retried_by_its_id(project: Project, dsn: str, hand: Core) -> None:
    run_id = started(project, dsn)
    done = project.ok("runs", "cancel", run_id, "--reason", "a mistake", "--dsn", dsn)
    assert done.stdout == f"cancelled {run_id}\n"
    done = project.ok("runs", "cancel", run_id, "--dsn", dsn)
    assert (done.stdout, done.stderr) == ("", f"run {run_id} was cancelled before: nothing to do\n")
    shown = project.ok("runs", "show", run_id, "--dsn", dsn).stdout
    assert "status  cancelled" in shown
    assert "reason  a mistake" in shown
    assert run_id in project.ok("runs", "list", "--status", "cancelled", "--dsn", dsn).stdout
    watched = project.run("runs", "watch", run_id, "--dsn", dsn)
    assert (watched.returncode, "run:cancelled" in watched.stdout) == (1, True)

    assert project.ok("runs", "retry", run_id, "--dsn", dsn).stdout == f"retried {run_id}\n"
    finish(hand)
    assert status(hand, run_id) == "completed"
    assert "has completed" in project.ok("runs", "retry", run_id, "--dsn", dsn).stderr


def test_a_run_that_is_not_there_is_exit_code_1(project: Project, dsn: str) -> None:
    nobody = str(uuid4())
    done = project.run("runs", "cancel", nobody, "--json", "--dsn", dsn)
    assert (done.returncode, json.loads(done.stdout)) == (1, [{"run_id": nobody, "outcome": "no_such_run"}])


def test_a_filter_needs_a_yes_where_nobody_can_be_asked(project: Project, dsn: str, hand: Core) -> None:
    runs = [started(project, dsn) for _ in range(3)]
    done = project.run("runs", "cancel", "--flow", "crawl", "--dsn", dsn)
    assert (done.returncode, "add --yes" in done.stderr) == (2, True)
    done = project.ok("runs", "cancel", "--flow", "crawl", "--yes", "--dsn", dsn)
    assert done.stdout == "cancelled 3 runs\n"
    assert {status(hand, run_id) for run_id in runs} == {"cancelled"}
    done = project.ok("runs", "cancel", "--flow", "crawl", "--yes", "--dsn", dsn)
    assert (done.stdout, done.stderr) == ("", "no run to cancel: none that is started fits\n")
    done = project.ok("runs", "retry", "--flow", "crawl", "--since", "1h", "--yes", "--json", "--dsn", dsn)
    assert json.loads(done.stdout) == {"retried": 3}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which runs to cancel"),
        ([str(uuid4()), "--flow", "crawl"], "give one of the two"),
        (["--flow", "crawl", "--input-contains", "{"], "is no JSON"),
        (["--flow", "crawl", "--started-after", "yesterday"], "is no time"),
        (["--flow", "crawl", "--since", "1h", "--started-after", "2026-01-01"], "say the same"),
        (["--flow", "crawl", "--error-contains", "x", "--yes"], "time"),
    ],
)
def test_odd_choices_are_answered_in_words(
    project: Project, dsn: str, arguments: list[str], said: str
) -> None:
    done = project.run("runs", "cancel", *arguments, "--dsn", dsn)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_is_held_and_released(project: Project, dsn: str, hand: Core) -> None:
    run_id = started(project, dsn)
    assert project.ok("runs", "hold", run_id, "--dsn", dsn).stdout == f"held {run_id}\n"
    assert hand.poll("crawl", 10) == []
    assert "held    since" in project.ok("runs", "show", run_id, "--dsn", dsn).stdout
    assert project.ok("runs", "release", run_id, "--dsn", dsn).stdout == f"released {run_id}\n"
    finish(hand)
    assert status(hand, run_id) == "completed"


def test_a_run_is_forked_from_a_step(project: Project, dsn: str, hand: Core) -> None:
    run_id = started(project, dsn)
    finish(hand)
    fork = project.ok("runs", "fork", run_id, "--from", "report", "--dsn", dsn).stdout.strip()
    assert status(hand, fork) == "started"
    finish(hand)
    assert status(hand, fork) == "completed"
    done = project.run("runs", "fork", run_id, "--from", "raport", "--dsn", dsn)
    assert (done.returncode, "raport" in done.stderr) == (1, True)
    done = project.run("runs", "fork", run_id, "--from", "urls", "--input", '{"urls": 1}', "--dsn", dsn)
    assert (done.returncode, "input.urls" in done.stderr) == (1, True)


def test_a_flow_is_paused_and_resumed(project: Project, dsn: str, hand: Core) -> None:
    run_id = started(project, dsn)
    assert project.ok("flows", "pause", "crawl", "--dsn", dsn).stdout == "paused crawl\n"
    assert "was paused before" in project.ok("flows", "pause", "crawl", "--dsn", dsn).stderr
    assert claim(hand, (register(hand, "crawl"), "crawl")) == []
    done = project.ok("flows", "resume", "crawl", "--json", "--dsn", dsn)
    assert json.loads(done.stdout) == {"crawl": "resumed"}
    finish(hand)
    assert status(hand, run_id) == "completed"
    done = project.run("flows", "pause", "no_such_flow", "--dsn", dsn)
    assert (done.returncode, "no_such_flow" in done.stderr) == (1, True)
