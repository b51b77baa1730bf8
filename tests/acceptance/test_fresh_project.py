"""A fresh project with its generated files: checkers, linters and formatters are content as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project, clean_environment

TOOLS = {
    "mypy": ["mypy", "."],
    "mypy strict": ["mypy", "--strict", "."],
    "ruff check": ["ruff", "check", "--isolated", "--no-cache", "."],
    "ruff format": ["ruff", "format", "--check", "--isolated", "--no-cache", "."],
    "black": ["black", "--check", "."],
    "isort": ["isort", "--check", "."],
    "isort as black": ["isort", "--check", "--profile", "black", "."],
}


@pytest.fixture(scope="module", params=["", "--supabase"], ids=["plain", "supabase"])
def project(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Project:
    project = Project(tmp_path_factory.mktemp("fresh"))
    project.ok("init", *request.param.split())
    project.ok("build", "--no-verify")
    return project


@pytest.mark.parametrize("name", TOOLS)
def test_nothing_is_said(project: Project, name: str) -> None:
    tool, *arguments = TOOLS[name]
    done = subprocess.run(
        [str(Path(sys.executable).parent / tool), *arguments],
        cwd=project.root,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
