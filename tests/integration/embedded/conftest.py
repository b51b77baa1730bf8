"""Scratch projects for the embedded server, and processes that hold it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import psutil  # type: ignore[import-untyped]
import pytest

from pgflow_runtime.database.embedded.location import location_of

# Imports first, then becomes a user without privileges (when root runs the tests), then holds the server.
_HOLD = """
import os, sys
import psutil, psycopg
from pathlib import Path
from pgflow_runtime.database.embedded import embedded_server
import pgflow_runtime.database.embedded.postgres
if sys.argv[2]:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
    os.environ.pop("HOME", None)
with embedded_server(Path(sys.argv[1])) as conninfo:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(1)")
        connection.execute("create table if not exists seen (pid int)")
        connection.execute("insert into seen values (%s)", [os.getpid()])
        count = connection.execute("select count(*) from seen").fetchone()[0]
    print("ready", count, conninfo, flush=True)
    sys.stdin.read()
"""

NOBODY = 65534


class Holder:
    """A process that holds a project's server until ``end``."""

    running: ClassVar[list[Holder]] = []

    def __init__(self, project: Path, uid: int | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(project), "" if uid is None else str(uid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(self)

    def ready(self) -> tuple[int, str]:
        """How many holders there have been, and the connection string."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        _, count, conninfo = line.rstrip("\n").split(" ", 2)
        return int(count), conninfo

    def end(self) -> None:
        self.running.remove(self)
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors

    def kill(self) -> None:
        self.running.remove(self)
        self.process.kill()
        self.process.communicate(timeout=60)


def postmaster(project: Path) -> psutil.Process | None:
    """The server of a project, if one runs."""
    data = location_of(project).data if os.geteuid() == 0 else project / ".pgflow" / "data"
    for folder in (data, project / ".pgflow" / "data"):
        try:
            process = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
            if Path(process.cwd()).samefile(folder):
                return process
        except (OSError, ValueError, IndexError, psutil.Error):
            continue
    return None


@pytest.fixture
def make_project() -> Iterator[Callable[[str], Path]]:
    """A function from a name to a new folder that every user can reach; all is removed afterwards."""
    base = Path(tempfile.mkdtemp(prefix="pgflow-test-embedded-"))
    base.chmod(0o755)
    made: list[Path] = []

    def make(name: str = "project") -> Path:
        project = base / name
        project.mkdir(parents=True)
        made.append(project)
        return project

    yield make
    for holder in list(Holder.running):  # of a test that failed half-way
        holder.kill()
    for project in made:
        server = postmaster(project)
        if server is not None:
            server.terminate()
            psutil.wait_procs([server], timeout=20)
        if os.geteuid() == 0:
            shutil.rmtree(location_of(project).folder, ignore_errors=True)
    shutil.rmtree(base)


@pytest.fixture
def project(make_project: Callable[[str], Path]) -> Path:
    return make_project("project")
