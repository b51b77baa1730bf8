"""Where there is no project yet, the commands that need one say how to make it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.mark.parametrize("command", ["build", "check"])
def test_an_empty_folder_is_told_of_init(tmp_path: Path, command: str) -> None:
    done = Project(tmp_path).run(command)
    assert done.returncode == 2
    assert "`pgflow-gen init` makes a project" in done.stderr
