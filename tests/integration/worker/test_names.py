"""No name that a user gives a module breaks a start: the library's and our own are found where they are."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.project import Project, clean_environment
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

COMMAND = Path(sys.executable).with_name("pgflow-gen")
OTHERS = ("click", "psycopg", "psycopg_pool", "msgspec", "jsonschema_rs", "pgflow_runtime_x", "pgflow_gen_x")
EASY = ("queue", "logging", "json", "asyncio", "ssl", "socket", "concurrent", "decimal", "uuid", *OTHERS)
"""Names that Python itself can start beside, also where it is told to look there first."""


def _spoil(lab: Lab, root: Path, names: Sequence[str]) -> Lab:
    """A copy of the project with modules of these names, half of them packages, which nobody may import."""
    shutil.copytree(lab.project.root, root)
    project = Project(root)
    for number, name in enumerate(names):
        path = f"{name}/__init__.py" if number % 2 else f"{name}.py"
        project.write(path, f"raise SystemError('the user\\'s own {name} was imported')\n")
    return Lab(project, lab.dsn, lab.folder)


def _worker_completes(lab: Lab, command: Sequence[str], variables: dict[str, str], processes: int) -> None:
    log = lab.folder / "names.log"
    options = ("--dsn", lab.dsn, "--processes", str(processes))
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, "worker", "flows.lab:chain", *options],
            cwd=lab.project.root,
            env=clean_environment() | variables,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: log.read_text().count("serving ") == processes or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        assert lab.completed(lab.start("chain", 1)) == {"third": [2, 20]}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_worker_in_a_project_with_every_name_of_the_library(
    lab: Lab, tmp_path: Path, processes: int
) -> None:
    names = sorted(sys.stdlib_module_names | {*OTHERS})
    spoilt = _spoil(lab, tmp_path / "spoilt", names)
    _worker_completes(spoilt, [str(COMMAND)], {}, processes)


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ([sys.executable, "-m", "pgflow_gen"], {}),
        ([sys.executable, "-m", "pgflow_gen"], {"PYTHONSAFEPATH": "1"}),
        ([str(COMMAND)], {"PYTHONPATH": "."}),
        ([str(COMMAND)], {"PYTHONPATH": "src:.:nowhere", "PYTHONDONTWRITEBYTECODE": "1"}),
    ],
)
def test_a_worker_however_python_finds_modules(
    lab: Lab, tmp_path: Path, command: list[str], variables: dict[str, str]
) -> None:
    spoilt = _spoil(lab, tmp_path / "spoilt", EASY)
    _worker_completes(spoilt, command, variables, 2)


def test_commands_however_python_finds_modules(lab: Lab, tmp_path: Path) -> None:
    project = _spoil(lab, tmp_path / "spoilt", EASY).project
    for variables in ({}, {"PYTHONPATH": "."}):
        for command in (
            ("build", "--no-verify"),
            ("migrate", "--dsn", lab.dsn),
            ("runs", "list", "--dsn", lab.dsn),
        ):
            done = project.python("-m", "pgflow_gen", *command, variables=variables)
            assert done.returncode == 0, done.stderr


def test_handlers_and_their_programs_keep_the_variables(lab: Lab, tmp_path: Path) -> None:
    """What the supervisor withholds while its processes begin is there for what they run."""
    project = Project.make(
        tmp_path / "variables",
        {
            "flows/variables.py": """
import os
import subprocess
import sys

from pgflow_runtime import Context, Flow

variables = Flow[int]("variables")


@variables.step
def look(flow_input: int, ctx: Context) -> list[str | None]:
    command = [sys.executable, "-P", "-c", "import only_here; print(only_here.ANSWER)"]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [os.environ.get("PYTHONPATH"), ctx.env.get("PYTHONPATH"), found.strip()]
""",
            "library/only_here.py": "ANSWER = 42\n",
        },
    )
    project.ok("build", "--no-verify")
    project.ok("migrate", "--dsn", lab.dsn)
    log = tmp_path / "variables.log"
    options = ("--dsn", lab.dsn, "--processes", "2")
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(COMMAND), "worker", "flows.variables:variables", *options],
            cwd=project.root,
            env=clean_environment() | {"PYTHONPATH": "library"},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        output = lab.completed(lab.start("variables", 1))
        assert output == {"look": ["library", "library", "42"]}, log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
