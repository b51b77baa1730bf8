"""What the README's first screen shows is what a user gets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.project import REPOSITORY, Project

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def flow() -> str:
    return blocks("python", README)[0]


def test_flow_builds_and_gives_what_is_said(tmp_path: Path, flow: str) -> None:
    project = Project.make(tmp_path, {"flows/order.py": flow})
    project.ok("build")
    out = tmp_path / "generated"
    assert {"client.py", "order.py", "_typecheck.py", "schemas", "docs", "migrations"} <= {
        path.name for path in out.iterdir()
    }
    migration = (out / "migrations" / "0001_order.sql").read_text()
    assert "select pgflow.create_flow('order', max_attempts => 3);" in migration


def test_the_finding_shown_is_the_finding_printed(tmp_path: Path, flow: str) -> None:
    broken = flow.replace("with_tax: list[int]) -> str", "with_tax: list[str]) -> str")
    done = Project.make(tmp_path, {"flows/order.py": broken}).run("check")
    assert done.returncode == 1
    assert blocks("text", README)[0].rstrip() in done.stdout


def test_commands_and_program_do_what_is_said(tmp_path: Path, flow: str, bare_database_dsn: str) -> None:
    """The first screen in order, in a project that `init` began; only the database is the test's own."""
    project = Project(tmp_path)
    project.ok("init")
    project.write("flows/order.py", flow)
    project.ok("build")
    migrate, worker, start = [
        shlex.split(line.removeprefix("$ pgflow-gen "), comments=True)
        for line in blocks("console", README)[1].splitlines()
    ]
    program = blocks("python", README)[1]
    project.write("use.py", program)
    project.ok(*migrate, "--dsn", bare_database_dsn)
    assert worker.pop(0) == "worker"
    with project.worker(*worker, "--dsn", bare_database_dsn):
        assert "tea: 119" in project.ok(*start, "--dsn", bare_database_dsn).stdout
        done = project.python("use.py", variables={"PGFLOW_DSN": bare_database_dsn})
    assert done.returncode == 0, done.stderr
    (said,) = re.findall(r"print\(.*# (.*)$", program, re.MULTILINE)
    assert done.stdout == f"{said}\n"
