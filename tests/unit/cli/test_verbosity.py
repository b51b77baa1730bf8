"""--quiet and --verbose before and after a command's name, and JSON of the commands that write."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from pgflow_command.app import COMMANDS, app
from tests.support.project import Project

FLOW = """\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path, {"flows/crawl.py": FLOW})


def test_quiet_leaves_results_and_findings(project: Project) -> None:
    done = project.ok("--quiet", "build", "--no-verify")
    assert (done.stdout, done.stderr) == ("", "")
    project.write("flows/crawl.py", FLOW.replace("-> str", "-> set"))
    for arguments in (["-q", "check", "--no-verify"], ["check", "--no-verify", "--quiet"]):
        found = project.run(*arguments)
        assert "error[PGF302]" in found.stdout
        assert found.stderr == ""


def test_verbose_names_every_file(project: Project) -> None:
    project.ok("build", "--no-verify")
    project.write("flows/other.py", FLOW.replace("crawl", "other"))
    told = project.ok("build", "--no-verify", "-v").stderr
    assert "kept generated/crawl.py" in told
    assert "kept generated/crawl.py" not in project.ok("build", "--no-verify", "--no-cache").stderr


def test_verbose_says_which_database_and_why(project: Project, bare_database_dsn: str) -> None:
    project.ok("build", "--no-verify")
    told = project.ok("-v", "migrate", "--dsn", bare_database_dsn).stderr
    assert "by --dsn" in told
    quiet = project.ok("migrate", "--quiet", "--dsn", bare_database_dsn)
    assert (quiet.stdout, quiet.stderr) == ("everything is up to date\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_both(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert {"quiet", "verbose"} <= {param.name for param in command.params}


def test_json_of_what_init_install_and_compile_did(tmp_path: Path) -> None:
    project = Project(tmp_path)
    first = json.loads(project.ok("init", "--json").stdout)
    assert "flows/greeting.py" in first["created"]
    second = json.loads(project.ok("init", "--json").stdout)
    assert (second["created"], "flows/greeting.py" in second["kept"]) == ([], True)
    (flow,) = json.loads(project.ok("compile", "--json", "flows/greeting.py").stdout)["flows"]
    assert flow["slug"] == "greeting"
    assert "pgflow.create_flow('greeting'" in flow["sql"]
    copied = json.loads(project.ok("install", "--dir", "db", "--json").stdout)
    assert copied["created"]
    assert all((tmp_path / path).is_file() for path in copied["created"])
    again = json.loads(project.ok("install", "--dir", "db", "--json").stdout)
    assert (again["created"], again["kept"]) == ([], copied["created"])
