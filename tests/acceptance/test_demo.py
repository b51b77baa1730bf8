"""`make demo`'s script: it ends with the census, and leaves nothing running."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgflow_runtime.database.embedded.location import location_of
from tests.support.project import REPOSITORY, Project


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """What the demo needs of the repository, in a folder (and so with an embedded server) of its own."""
    for name in ("flows", "generated", "scripts"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    location = location_of(tmp_path)
    yield tmp_path
    shutil.rmtree(location.folder)


def test_demo_counts_a_tree_and_leaves_nothing_running(copy: Path) -> None:
    done = Project(copy).python("scripts/demo.py", "--directory", str(copy / "flows"), timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"steps 6/6  parse \[#+\] 5/5", done.stdout)
    assert re.search(
        r"^5 files, [\d,]+ lines, \d+ functions, \d+ classes; 0 files do not parse$", done.stdout, re.M
    )
    assert re.search(r"^ +\d+  stdlib_census\.py$", done.stdout, re.M)
    assert re.search(r"^order_fulfilment [-0-9a-f]{36}  failed", done.stdout, re.M)
    for line in (
        r"├─ undo: order_fulfilment__undo [-0-9a-f]{36}  completed",
        r"└─ end: order_fulfilment__end_tell_customer [-0-9a-f]{36}  completed",
    ):
        assert re.search(line, done.stdout), done.stdout
    assert not (location_of(copy).data / "postmaster.pid").exists()
    assert not any(_works_in(copy, process) for process in Path("/proc").glob("[0-9]*"))


def _works_in(folder: Path, process: Path) -> bool:
    """Whether a process works in that folder."""
    try:
        return os.readlink(process / "cwd") == str(folder)
    except OSError:
        return False  # it has ended meanwhile
