"""Values that Python or the database cannot hold are the trouble of one task; the worker goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, make_project

SOURCE = Path(__file__).parents[2] / "support" / "poison_flows.py"


@pytest.fixture(scope="module")
def poison_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("poison"), "poison", SOURCE)


@pytest.fixture
def poison_lab(postgres_server: Server, poison_project: Project, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database()
    poison_project.ok("migrate", "--dsn", dsn)
    yield Lab(poison_project, dsn, tmp_path, module="poison")
    postgres_server.drop_database(dsn)


@pytest.fixture
def latin_lab(postgres_server: Server, poison_project: Project, tmp_path: Path) -> Iterator[Lab]:
    """In a database whose encoding has no euro sign."""
    dsn = postgres_server.create_database()
    name = name_of(dsn)
    postgres_server.drop_database(dsn)
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} encoding 'LATIN1' locale 'C' template template0").format(
                sql.Identifier(name)
            )
        )
    poison_project.ok("migrate", "--dsn", dsn)
    yield Lab(poison_project, dsn, tmp_path, module="poison")
    postgres_server.drop_database(dsn)


UNREADABLE = {
    "digits": "1" * 5_000,
    "nesting": "[" * 3_000 + "]" * 3_000,
    "many digits": "[" + ",".join(["1e131071"] * 20) + "]",
    "deep in it": '{"a": [{"b": ' + "9" * 4_400 + "}]}",
}


def start_text(lab: Lab, flow: str, text: str) -> str:
    (row,) = lab.sql("select run_id from pgflow.start_flow(%s, %s::jsonb)", flow, text)
    return str(row["run_id"])


def outcome(lab: Lab, run: str) -> tuple[str, int]:
    """Message and attempts of the task that failed a run, without reading the run's input."""
    statement = (
        "select t.error_message, t.attempts_count from pgflow.step_tasks t join pgflow.runs r using (run_id) "
        "where run_id = %s and r.status = 'failed'"
    )
    (row,) = eventually(lambda: lab.sql(statement, run), 30)
    return row["error_message"], row["attempts_count"]


def test_an_input_that_python_cannot_read_fails_its_task_with_words(poison_lab: Lab) -> None:
    lab = poison_lab
    poisoned = {what: start_text(lab, "anything", text) for what, text in UNREADABLE.items()}
    healthy = [lab.start("anything", {"n": n}) for n in range(5)]
    with lab.worker("anything") as worker:
        for run in healthy:
            assert lab.completed(run) == {"after": "read"}
        for what, run in poisoned.items():
            message, attempts = outcome(lab, run)
            assert message.startswith("BoundaryError: flow_input: cannot be read by Python"), (what, message)
            assert attempts == 1
        assert lab.completed(lab.start("anything", 1)) == {"after": "read"}
        assert worker.stop() == 0


ODD = {
    "nul": "BoundaryError: output: holds a NUL",
    "surrogate": "BoundaryError: output[0]: holds a NUL or a lone surrogate",
    "key": "BoundaryError: output: has a key with a NUL or a lone surrogate",
    "deep": "BoundaryError: output",
    "digits": "BoundaryError: output",
    "huge integer": "BoundaryError: output",
    "odd key": "",
    "nameless": "Nameless: odd",
    "textless": "Textless: odd text",
    "exits": "Exits: (its text cannot be had: __str__ raised SystemExit)",
    "caused": "",
    "long": "ValueError: xxx",
    "never": "Never: ",
}
"""What the handler returns or raises, and how the stored message begins."""


def test_odd_results_and_errors_fail_their_tasks_only(poison_lab: Lab) -> None:
    lab = poison_lab
    runs = {what: lab.start("odd", what) for what in ODD}
    fine = lab.start("odd", "fine")
    with lab.worker("odd") as worker:
        for what, run in runs.items():
            message = lab.failed(run)
            assert message.startswith(ODD[what]), (what, message[:200])
            assert 0 < len(message.encode()) <= 10_240
        assert lab.completed(fine) == {"give": "fine"}
        assert worker.stop() == 0


def test_a_database_that_cannot_hold_a_text_fails_its_task_only(latin_lab: Lab) -> None:
    lab = latin_lab
    runs = {what: lab.start("odd", what) for what in ("euro", "fine", "euro error")}
    with lab.worker("odd") as worker:
        assert lab.failed(runs["euro"]).startswith("BoundaryError: the database refuses the output: ")
        assert "2 \\u20ac" in lab.failed(runs["euro error"])
        assert lab.completed(runs["fine"]) == {"give": "fine"}
        assert worker.stop() == 0
