"""Runs that have started others and were undone, recorded and replayed: neither is done again with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.integration.replay.conftest import Recorded
from tests.support.server import Server
from tests.support.wait import eventually
from tests.support.worker_lab import make_project

SOURCE = Path(__file__).parents[2] / "support" / "family_flows.py"


@pytest.fixture(scope="module")
def family(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    project = make_project(tmp_path_factory.mktemp("families"), "shop", SOURCE)
    dsn, log = postgres_server.create_database(), project.root / "calls"
    project.ok("migrate", "--dsn", dsn)
    inputs = {"shipped": [3, 4], "undone": [5, 6, 7]}
    query = "select run_id::text from pgflow.start_flow('order', %s::jsonb)"
    with psycopg.connect(dsn, autocommit=True) as connection:

        def one(statement: str, *values: str) -> str | None:
            row = connection.execute(statement.encode(), values).fetchone()
            return row[0] if row is not None else None

        runs = {
            name: str(one(query, json.dumps({"log": str(log), "prices": prices})))
            for name, prices in inputs.items()
        }
        with project.worker("flows.shop:order", "flows.shop:invoice", "--dsn", dsn):
            undo = "select run_id::text from pgflow.runs where flow_slug = 'order__undo'"
            runs["undo"] = str(eventually(lambda: one(undo), 60))
            open_run = "select run_id::text from pgflow.runs where status = 'started'"
            eventually(lambda: one(open_run) is None, 60)
    yield Recorded(project, dsn, runs, log)
    postgres_server.drop_database(dsn)


def test_of_a_subflow_the_childs_input_is_recorded(family: Recorded, tmp_path: Path) -> None:
    (run,) = json.loads(family.export("shipped", tmp_path).read_text())["runs"]
    step = run["steps"]["bills"]
    assert (step["kind"], step["subflow"]) == ("subflow", "invoice")
    assert [task["child_input"]["price"] for task in step["tasks"]] == [3, 4]
    assert len({task["child"] for task in step["tasks"]}) == 2
    assert step["output"] == [{"letter": "3 cents"}, {"letter": "4 cents"}]
    hidden = family.export("shipped", tmp_path, "--redact", "steps.bills.child_input.price").read_text()
    tasks = json.loads(hidden)["runs"][0]["steps"]["bills"]["tasks"]
    assert [task["child_input"]["price"] for task in tasks] == [0, 0]


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("shipped", ["bills", "bills", "prices", "ship"]),
        ("undone", ["bills", "bills", "bills", "prices", "ship"]),
        ("undo", ["forget ship"]),
    ],
)
def test_a_replay_calls_the_runs_own_handlers(
    family: Recorded, tmp_path: Path, name: str, calls: list[str]
) -> None:
    file = family.export(name, tmp_path)
    family.calls()
    done = family.project.run("replay", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as recorded" in done.stdout
    assert sorted(family.calls()) == calls


def test_another_input_of_the_child_is_a_difference(family: Recorded, tmp_path: Path) -> None:
    file = family.export("shipped", tmp_path)
    project = family.changed(tmp_path, '"price": price}', '"price": price + 1}')
    done = project.run("replay", str(file))
    assert done.returncode == 1, done.stderr
    assert "bills[0]" in done.stdout
    assert done.stdout.count("today") == 2
