"""Undos and ends end to end: built, migrated, and run by the worker that serves their flow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

FLOWS = Path(__file__).parents[2] / "support" / "undo_project"


@pytest.fixture(scope="module")
def undo_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    files = {f"flows/{path.name}": path.read_text(encoding="utf-8") for path in sorted(FLOWS.glob("*.py"))}
    project = Project.make(tmp_path_factory.mktemp("undos"), files)
    project.ok("build", "--no-verify")
    return project


@pytest.fixture(scope="module")
def undo_template(postgres_server: Server, undo_project: Project) -> str:
    dsn = postgres_server.create_database()
    undo_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture
def lab(postgres_server: Server, undo_project: Project, undo_template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(undo_template))
    yield Lab(undo_project, dsn, tmp_path, "orders")
    postgres_server.drop_database(dsn)


def start(lab: Lab, *lines: str, **more: str) -> str:
    return lab.start("order", {"folder": str(lab.folder), "lines": lines, **more})


def done(lab: Lab, last: str = "tell") -> list[Any]:
    """What undos and ends have done, once the last of them has."""
    file = lab.folder / "done.jsonl"
    eventually(lambda: file.exists() and f'"{last}"' in file.read_text())
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_what_a_failed_run_did_is_undone_backwards_and_then_told(lab: Lab) -> None:
    with lab.worker("order"):
        run = start(lab, "tea", "cup")
        found = done(lab)
    assert lab.run(run)["error_message"].startswith("RuntimeError: no lorry")
    assert sorted(found[:2]) == [["put back", "cup for r1", "r1"], ["put back", "tea for r1", "r1"]]
    assert sorted(found[2:4]) == [["refund", "r1", "failed"], ["unbook", "b1"]]
    assert found[4:] == [["tell", "failed", "ship", "completed", {"id": "r1"}]]


def test_what_ends_after_its_run_was_cancelled_is_undone(lab: Lab) -> None:
    with lab.worker("order"):
        run = start(lab, mode="held")
        lab.begun("charge.begun", "book.begun")
        lab.sql("select pgflow.cancel_runs(array[%s]::uuid[], 'a mistake')", run)
        lab.let_go("charge.go")
        found = done(lab)
    assert sorted(found[:2]) == [["refund", "r1", "cancelled"], ["unbook", None]]
    assert found[2:] == [["tell", "cancelled", None, "completed", None]]
    assert [task["status"] for task in lab.tasks(run)] == ["cancelled", "cancelled"]


def test_nobody_waits_for_a_transaction_that_was_rolled_back(lab: Lab) -> None:
    """Its completion is refused, and what it reports goes with its writes; its time-out is far away."""
    with replace(lab, module="transfers").worker("transfer"):
        run = lab.start("transfer", {"folder": str(lab.folder)})
        lab.begun("debit.begun")
        lab.sql("select pgflow.cancel_runs(array[%s]::uuid[], 'a mistake')", run)
        lab.let_go("debit.go")
        assert done(lab, "report") == [["report", "nothing"]]
    (task,) = lab.tasks(run)
    assert (task["status"], task["error_message"]) == ("cancelled", None)


@pytest.mark.parametrize("flow", ["order__undo", "order__end_tell"])
def test_nobody_starts_a_companion_by_hand(lab: Lab, flow: str) -> None:
    refused = lab.project.run("start", flow, "{}", "--dsn", lab.dsn)
    assert refused.returncode == 2
    assert f"flow '{flow}' is started by the core, when a run of 'order' has ended" in refused.stderr
    assert "help: start a run of 'order'" in refused.stderr
