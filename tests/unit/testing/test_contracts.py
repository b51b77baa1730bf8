"""Where a test's types come from: the source, unless the build is current; without a compiler, the build."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """\
from pgflow_runtime import Flow

words = Flow[str]("words")


@words.step
def count(flow_input: str) -> {returns}:
    return len(flow_input.split())
"""
TEST = """\
import asyncio
from flows.words import words
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.testing import run_flow

try:
    run = asyncio.run(run_flow(words, "to be"))
    print(run.status, run.error, run.output)
except PgflowError as error:
    print(type(error).__name__, error, error.help)
"""
WITHOUT_COMPILER = """\
import importlib.util
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "pgflow_gen":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
    (tmp_path / "flows").mkdir()
    write(tmp_path, "int")
    return tmp_path


def write(project: Path, returns: str) -> None:
    (project / "flows" / "words.py").write_text(FLOW.format(returns=returns))


def build(project: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pgflow_gen", "build"], cwd=project, check=True, capture_output=True
    )


def tried(project: Path, before: str = "") -> str:
    (project / "tried.py").write_text(before + TEST)
    done = subprocess.run([sys.executable, "tried.py"], cwd=project, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_no_build_is_needed(project: Path) -> None:
    assert tried(project) == "completed None {'count': 2}"
    assert not (project / "generated").exists()


def test_the_source_counts_where_the_build_is_stale(project: Path) -> None:
    build(project)
    assert tried(project) == "completed None {'count': 2}"
    write(project, "str")
    assert tried(project).startswith("failed BoundaryError: output: expected string, got int 2")


def test_a_current_build_is_taken_as_it_is(project: Path) -> None:
    build(project)
    contract = project / "generated" / "schemas" / "words.json"
    document = json.loads(contract.read_text())
    assert document["x-pgflow"]["steps"]["count"]["output"] == {"type": "integer"}
    (project / "flows" / "words.py").touch()
    assert tried(project) == "completed None {'count': 2}"


def test_faults_of_the_flow_are_told_with_their_places(project: Path) -> None:
    write(project, "complex")
    said = tried(project)
    assert said.startswith("ProjectError the flow 'words' has faults:")
    assert "flows/words.py:7:" in said
    assert "error[PGF" in said


def test_without_the_compiler_the_build_counts(project: Path) -> None:
    build(project)
    assert tried(project, WITHOUT_COMPILER) == "completed None {'count': 2}"


def test_without_compiler_and_build_both_ways_out_are_said(project: Path) -> None:
    said = tried(project, WITHOUT_COMPILER)
    assert said.startswith("ProjectError ")
    assert "holds no contract of flow 'words'" in said
    assert "Without the compiler, a test takes types and structure from the generated folder." in said
    assert "run `pgflow-gen build`, or install the compiler" in said
