"""``runs send`` and ``waiting``, ``start --at``, what lists say of runs that wait: as a user types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.support.core import Core, connect
from tests.support.crawl import write_contract
from tests.support.orders import DOCUMENT, add_order
from tests.support.project import Project

ORDER = '{"order_id": "order-7"}'


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        add_order(core, deadline=3600)
        yield core


@pytest.fixture
def dsn(hand: Core, plain_database_dsn: str) -> str:
    return plain_database_dsn


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path, {})
    write_contract(tmp_path / "generated", DOCUMENT)
    return project


def started(project: Project, dsn: str, *options: str) -> str:
    return project.ok("start", "order", ORDER, *options, "--dsn", dsn).stdout.strip()


def test_who_waits_is_listed_and_answered(project: Project, dsn: str, hand: Core) -> None:
    nobody = project.ok("runs", "waiting", "--dsn", dsn)
    assert (nobody.stdout, nobody.stderr) == ("", "no run waits for anybody\n")
    run_id = started(project, dsn)
    hand.work("order")
    line = project.ok("runs", "waiting", "--flow", "order", "--dsn", dsn).stdout
    assert line.startswith(run_id)
    assert "order.approval  key order-7  until " in line
    (row,) = json.loads(project.ok("runs", "waiting", "--step", "approval", "--json", "--dsn", dsn).stdout)
    assert (row["run_id"], row["key"]) == (run_id, "order-7")
    shown = project.ok("runs", "show", run_id, "--dsn", dsn).stdout
    assert "waits for somebody with key order-7 until " in shown
    assert "(waits for approval until " in project.ok("runs", "list", "--dsn", dsn).stdout

    done = project.ok("runs", "send", run_id, "approval", '{"by": "ann"}', "--dedupe", "x", "--dsn", dsn)
    assert done.stdout == "taken: the step completes with it\n"
    again = project.ok("runs", "send", run_id, "approval", '{"by": "bob"}', "--dedupe", "x", "--dsn", dsn)
    assert "one with the same mark was sent before" in again.stderr
    late = project.run("runs", "send", run_id, "approval", '{"by": "bob"}', "--json", "--dsn", dsn)
    assert (late.returncode, json.loads(late.stdout)["outcome"]) == (1, "late")
    assert hand.step(UUID(run_id), "approval").output == {"by": "ann"}


@pytest.mark.parametrize(
    ("step", "payload", "said"),
    [
        ("approval", '{"by": 5}', "payload.by: "),
        ("approval", "{", "the payload is not JSON"),
        ("approvl", "1", "did you mean 'approval'?"),
    ],
)
def test_what_does_not_fit_is_not_sent(
    project: Project, dsn: str, hand: Core, step: str, payload: str, said: str
) -> None:
    run_id = started(project, dsn)
    done = project.run("runs", "send", run_id, step, payload, "--dsn", dsn)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert hand.rows("select * from pgflow.signals") == []


def test_a_run_that_is_not_there_or_has_no_such_signal(tmp_path: Path, dsn: str, hand: Core) -> None:
    elsewhere = Project.make(tmp_path / "elsewhere", {})
    done = elsewhere.run("runs", "send", str(uuid4()), "approval", "--dsn", dsn)
    assert (done.returncode, "there is no run" in done.stderr) == (1, True)
    run_id = str(hand.start_flow("order", {"order_id": "1"}).run_id)
    done = elsewhere.run("runs", "send", run_id, "ship", "1", "--dsn", dsn)
    assert (done.returncode, "has no such signal" in done.stderr) == (1, True)


def test_a_run_that_is_to_begin_later(project: Project, dsn: str, hand: Core) -> None:
    run_id = started(project, dsn, "--at", "2999-01-01T12:00:00Z")
    assert hand.poll("order") == []
    assert "(due at 2999-01-01 " in project.ok("runs", "list", "--dsn", dsn).stdout
    assert "begins  2999-01-01 " in project.ok("runs", "show", run_id, "--dsn", dsn).stdout
    done = project.run("start", "order", ORDER, "--at", "tomorrow", "--dsn", dsn)
    assert (done.returncode, "--at: 'tomorrow' is no time" in done.stderr) == (2, True)
