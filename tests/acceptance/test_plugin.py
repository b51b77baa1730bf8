"""The pytest plugin as the wheel brings it: in an empty project, by pytest alone and under xdist."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime.database.embedded.location import location_of
from tests.support.project import clean_environment

FLOW = """\
from pgflow_runtime import Flow

words = Flow[str]("words")


@words.step
def count(flow_input: str) -> int:
    return len(flow_input.split())
"""
MEMORY = """\
import asyncio

from flows.words import count, words


def test_in_memory(pgflow_run_flow) -> None:
    run = asyncio.run(pgflow_run_flow(words, "to be", failures={count: [OSError(), None]}))
    assert (run.output, run.attempts("count")) == ({"count": 2}, 2)


def test_a_recorded_run(pgflow_run_flow, tmp_path) -> None:
    file = tmp_path / "run.json"
    file.write_text('''{"pgflow_recording": 1, "runs": [{"run_id": "1", "flow_slug": "words",
        "status": "completed", "input": "to be", "steps": {"count": {"type": "single", "depends_on": [],
        "status": "completed", "output": 3,
        "tasks": [{"index": 0, "status": "completed", "attempts": 1}]}}}]}''')
    run = asyncio.run(pgflow_run_flow(words, recorded=file))
    assert [str(found) for found in run.differences] == ["count: recorded 3, today 2"]
"""
DATABASE = """\
import psycopg
import pytest

from generated.client import AsyncClient


@pytest.mark.asyncio
async def test_on_a_database(pgflow_worker, pgflow_client: AsyncClient) -> None:
    run = await pgflow_client.start_words("to be or")
    assert await run.result(timeout=60) == {"count": 3}


@pytest.mark.parametrize("number", range(3))
def test_each_test_has_its_own(pgflow_database: str, number: int) -> None:
    with psycopg.connect(pgflow_database) as connection:
        assert connection.execute("select count(*) from pgflow.runs").fetchone() == (0,)
        assert connection.execute("select flow_slug from pgflow.flows").fetchall() == [("words",)]
        connection.execute("select pgflow.start_flow('words', '\\"a\\"')")
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "empty"
    for path, text in {
        "pyproject.toml": '[tool.pgflow-gen]\n[tool.pytest.ini_options]\npythonpath = ["."]\n',
        "flows/words.py": FLOW,
        "tests/test_memory.py": MEMORY,
    }.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    yield folder
    if os.geteuid() == 0:
        shutil.rmtree(location_of(folder).folder, ignore_errors=True)


def run(project: Path, command: str, *arguments: str, **env: str) -> str:
    python = Path(command).with_name("python")
    done = subprocess.run(
        [python, *arguments],
        cwd=project,
        env={**clean_environment(), **env},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_flow_is_tested_in_memory_without_build_and_configuration(project: Path, command: str) -> None:
    assert "2 passed" in run(project, command, "-m", "pytest", "-q")


def test_fixtures_bring_databases_workers_and_clients(project: Path, command: str, database_dsn: str) -> None:
    run(project, command, "-m", "pgflow_gen", "build")
    (project / "tests" / "test_database.py").write_text(DATABASE, encoding="utf-8")
    assert "6 passed" in run(project, command, "-m", "pytest", "-q", "-n", "2")
    assert "6 passed" in run(project, command, "-m", "pytest", "-q", PGFLOW_TEST_DSN=database_dsn)
    with psycopg.connect(database_dsn) as connection:
        left = connection.execute("select datname from pg_database where datname ~ '^pgflow_test_[0-9]+_'")
        assert left.fetchall() == []


def test_the_plugin_imports_nothing_when_it_is_loaded(project: Path, command: str) -> None:
    (project / "tests" / "test_memory.py").write_text(
        "import sys\n\n\ndef test_nothing() -> None:\n"
        "    loaded = sorted(name for name in sys.modules if name.startswith(('pgflow', 'psycopg')))\n"
        "    plugin = ['pgflow_runtime', 'pgflow_runtime.testing', 'pgflow_runtime.testing.plugin']\n"
        "    assert loaded == plugin\n",
        encoding="utf-8",
    )
    assert "1 passed" in run(project, command, "-m", "pytest", "-q")
