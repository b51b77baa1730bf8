"""Runs that other runs brought about, as clients and the command line see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.support.core import Core, connect
from tests.support.crawl import contract_of
from tests.support.orders import DOCUMENT, AsyncClient, AsyncOrderRun, Client, OrderRun
from tests.support.project import Project
from tests.support.subflows import add_subflow, family, hand_over, work
from tests.support.undo_flows import companions_of, fail_undo, failed_chain
from tests.support.undo_flows import work as chain_work


@pytest.fixture
def core(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        yield Core(connection)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path, {})


def nested(core: Core) -> tuple[UUID, UUID, UUID]:
    """A run, its child, and the child of that."""
    family(core)
    core.create_flow("top")
    add_subflow(core, "top", "whole", subflow="parent")
    top = core.start_flow("top").run_id
    (parent,) = hand_over(core, top, flow="top")
    (child,) = hand_over(core, parent.run_id)
    return top, parent.run_id, child.run_id


def test_the_command_line_shows_runs_in_runs(core: Core, project: Project, plain_database_dsn: str) -> None:
    top, parent, child = nested(core)

    def said(*words: str) -> str:
        return project.ok("runs", *words, "--dsn", plain_database_dsn).stdout

    shown = said("show", str(top))
    assert f"whole: parent {parent}  started" in shown
    assert str(child) not in shown
    assert "waits for the run it started" in shown
    assert f"bill: child {child}" in said("show", str(top), "--depth", "2")
    assert str(parent) not in said("show", str(top), "--depth", "0")
    assert f"from    child of bill of run {parent}" in said("show", str(child))
    assert "waits for whole" in said("list", "--flow", "top")

    lines = said("tree", str(top)).splitlines()
    assert lines[0].startswith(f"top {top}  started")
    assert lines[1].startswith(f"  └─ whole: parent {parent}  started")
    assert lines[2].startswith(f"     └─ bill: child {child}  started")
    tree = json.loads(said("tree", str(top), "--json"))
    assert tree["runs"][0]["runs"][0]["run_id"] == str(child)
    assert json.loads(said("tree", str(child), "--json"))["origin"] == {
        "kind": "child", "from_run_id": str(parent), "step_slug": "bill", "task_index": 0, "attempt": 1,
        "depth": 2,
    }  # fmt: skip
    document = json.loads(said("show", str(top), "--json"))
    assert document["children"]["whole"]["runs"][0]["flow_slug"] == "parent"
    assert document["run"]["origin"] is None


def test_children_of_a_map_are_told_by_their_tasks(
    core: Core, project: Project, plain_database_dsn: str
) -> None:
    family(core, step_type="map")
    run = core.start_flow("parent", list(range(12))).run_id
    found = hand_over(core, run)
    assert len(found) == 12

    def said(*words: str) -> str:
        return project.ok("runs", *words, "--dsn", plain_database_dsn).stdout

    shown = said("show", str(run))
    assert f"bill[9]: child {found[9].run_id}" in shown
    assert "bill[10]" not in shown
    assert "... and more" in shown
    assert "waits for the runs it started" in shown
    assert "bill[11]" in said("tree", str(run))
    assert "... and more" in said("tree", str(run), "--limit", "3")


def test_what_an_end_has_started_stands_below_the_run(
    core: Core, project: Project, plain_database_dsn: str
) -> None:
    run, undo = failed_chain(core)
    fail_undo(core)
    _, end = companions_of(core, run)
    tree = project.ok("runs", "tree", str(run), "--dsn", plain_database_dsn).stdout.splitlines()
    assert tree[1].startswith(f"  ├─ undo: f__undo {undo}  failed")
    assert tree[1].endswith("no way back")
    assert tree[2].startswith(f"  └─ end: f__end_tell {end.run_id}  started")
    of_run = project.ok("runs", "show", str(run), "--dsn", plain_database_dsn).stdout
    assert f"after its end\n  ├─ undo: f__undo {undo}  failed" in of_run
    shown = project.ok("runs", "show", str(undo), "--dsn", plain_database_dsn).stdout
    assert f"from    undo of run {run}" in shown


def test_clients_list_the_runs_that_steps_and_ends_started(core: Core, plain_database_dsn: str) -> None:
    core.flow("child", "work")
    core.create_flow("order")
    core.add_step("order", "charge")
    add_subflow(core, "order", "approval", ["charge"])
    core.add_step("order", "ship", ["approval"])
    run_id = core.start_flow("order", {"order_id": "1"}).run_id
    core.work("order")
    (child,) = hand_over(core, run_id, flow="order")
    with Client.connect(plain_database_dsn) as client:
        run = client._get(OrderRun, run_id)
        (found,) = run._step("approval").children()
        assert (found.run_id, found.flow_slug) == (child.run_id, "child")
        assert (found.status, found.attempt, found.is_final) == ("started", 1, False)
        assert run._step("charge").children() == []
        assert run.origin is None
        work(core)
        (found,) = run._step("approval").children()
        assert found.is_final
        assert run.companions() == []


async def test_so_do_async_ones(core: Core, plain_database_dsn: str) -> None:
    core.create_flow("child")
    core.add_step("child", "work")
    core.create_flow("parent")
    add_subflow(core, "parent", "bill", subflow="order")
    core.create_flow("order")
    core.add_step("order", "charge")
    core.add_step("order", "approval", ["charge"])
    core.add_step("order", "ship", ["approval"])
    parent = core.start_flow("parent").run_id
    (child,) = hand_over(core, parent, ({"order_id": "1"},))
    async with await AsyncClient.connect(plain_database_dsn) as client:
        run = await client._get(AsyncOrderRun, child.run_id)
        assert run.origin is not None
        assert (run.origin.kind, run.origin.from_run_id, run.origin.step_slug) == ("child", parent, "bill")
        assert await run.companions() == []
        assert await run._step("charge").children() == []


def test_a_run_that_was_undone_is_retried_only_if_asked_so(
    core: Core, project: Project, plain_database_dsn: str
) -> None:
    """On the command line and by the client, which lists what the run's ends have started."""

    class ChainRun(OrderRun):
        contract = contract_of({**DOCUMENT, "x-pgflow": {**DOCUMENT["x-pgflow"], "slug": "f"}})

    run_id, undo = failed_chain(core)
    dsn = ("--dsn", plain_database_dsn)
    busy = project.run("runs", "retry", str(run_id), *dsn)
    assert "is being undone, or what its end has started goes on" in busy.stderr
    for flow in ("f__undo", "f__end_tell"):
        chain_work(core, flow)
    with Client.connect(plain_database_dsn) as client:
        run = client._get(ChainRun, run_id)
        found = [(each.kind, each.end_number, each.run_id, each.status) for each in run.companions()]
        assert found[0] == ("undo", 1, undo, "completed")
        assert found[1][0] == "end"
        assert not run.retry()
        assert "was undone" in project.run("runs", "retry", str(run_id), *dsn).stderr
        refused = project.run("runs", "retry", "--flow", "f", "--even-if-undone", "--yes", *dsn)
        assert "--even-if-undone is for runs that are named" in refused.stderr
        project.ok("runs", "retry", str(run_id), "--even-if-undone", *dsn)
        assert run.retry(even_if_undone=True) is False
    assert core.run(run_id).status == "started"
