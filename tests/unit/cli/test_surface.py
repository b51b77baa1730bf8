"""The command line as a user meets it: help, exit codes, and that nothing heavy is loaded to talk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project

COMMANDS = (
    "init", "build", "release", "check", "compile", "graph", "explain", "config-schema", "completion",
    "dev", "migrate", "install", "worker", "start", "runs", "replay", "dashboard", "doctor", "prune",
)  # fmt: skip
HEAVY = ("libcst", "jinja2", "mypy", "psycopg", "msgspec", "jsonschema_rs", "pgflow_runtime")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path, {})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["-h"],
        [],
        ["--version"],
        ["build", "--help"],
        ["check", "-h"],
        ["compile", "-h"],
        ["graph", "-h"],
    ],
)
def test_talking_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys, json\n"
        "from pgflow_gen.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        f"    print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_help_names_every_command_and_shows_examples(project: Project) -> None:
    text = project.ok("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in text
    assert "Examples:" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(project: Project, command: str) -> None:
    text = project.ok(command, "--help").stdout
    assert text.startswith(f"Usage: pgflow-gen {command}")


def test_without_a_command_the_help_is_shown_and_the_exit_code_is_that_of_a_usage_error(
    project: Project,
) -> None:
    done = project.run()
    assert done.returncode == 2
    assert "build" in done.stdout + done.stderr


def test_version_is_the_distributions(project: Project) -> None:
    from importlib.metadata import version

    assert project.ok("--version").stdout == f"pgflow-gen {version('pgflow-gen')}\n"


def test_a_mistyped_command_is_a_usage_error_with_the_near_name(project: Project) -> None:
    done = project.run("biuld")
    assert done.returncode == 2
    assert "There is no command 'biuld'. Did you mean 'build'?" in done.stderr


def test_a_mistyped_option_is_a_usage_error(project: Project) -> None:
    done = project.run("build", "--chekc")
    assert done.returncode == 2
    assert "--check" in done.stderr


def test_a_project_that_is_not_there_is_a_usage_error(project: Project) -> None:
    done = project.run("-C", "nowhere", "check")
    assert done.returncode == 2
    assert "nowhere" in done.stderr


def test_a_wrong_configuration_is_one_message_with_a_way_out(project: Project) -> None:
    project.write("pyproject.toml", '[tool.pgflow-gen]\nflow = ["x"]\n')
    done = project.run("check")
    assert done.returncode == 2
    assert "flow" in done.stderr
    assert "flows" in done.stderr
    assert done.stdout == ""


def test_explain_prints_a_page(project: Project) -> None:
    page = project.ok("explain", "PGF303").stdout
    assert page.startswith("PGF303: parameter type and dependency output disagree\n")
    assert "\nBad:\n\n    from pgflow_runtime import Flow\n" in page
    assert "\nGood:\n" in page
    assert project.ok("explain", "303").stdout == project.ok("explain", "pgf303").stdout == page


def test_explain_without_a_code_lists_all(project: Project) -> None:
    lines = project.ok("explain").stdout.splitlines()
    assert len(lines) == 64
    assert "PGF204  cycle of dependencies" in lines
    assert lines == sorted(lines)


def test_explain_of_an_unknown_code_offers_the_near_one(project: Project) -> None:
    done = project.run("explain", "PGF3003")
    assert done.returncode == 2
    assert "did you mean PGF30" in done.stderr
