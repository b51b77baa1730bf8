"""A server that has no room left on its disk."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.support.crew import crew
from tests.support.own_server import OwnServer, own_server
from tests.support.project import Project
from tests.support.server import PREFIX
from tests.support.soak import Soak
from tests.support.trust_lab import prepare
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

DISK = "size=260m"


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here (root is needed): {mounted.stderr.strip()}")
    try:
        data = folder / "data"
        data.mkdir(mode=0o700)
        yield data
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(ballast: Path) -> None:
    """Leave no room at all, whoever else writes meanwhile."""
    size = 64 * 1024 * 1024
    with ballast.open("wb") as file:
        while size >= 4096:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
            except OSError:
                size //= 2


def _is_in_trouble(server: OwnServer) -> bool:
    return "No space left on device" in server.log


@pytest.fixture
def small_server() -> Iterator[tuple[OwnServer, Path]]:
    """A server whose data lie on a small disk, and the file that fills it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        with (
            _small_disk(folder) as data,
            own_server(settings={"max_wal_size": "48MB", "min_wal_size": "32MB"}, data=data) as server,
        ):
            yield server, folder / "ballast"
    finally:
        folder.rmdir()


def test_a_full_disk_costs_time_and_nothing_else(
    small_server: tuple[OwnServer, Path], trust_project: Project, tmp_path: Path, trust_random: Random
) -> None:
    """Statements fail, or the server itself goes down; once there is room again all runs end as they must.

    Nothing but events is lost: Supabase's ``realtime.send`` turns errors into warnings.
    """
    server, ballast = small_server
    prepare(trust_project, server.dsn)
    lab = Lab(trust_project, server.dsn, tmp_path, "trust")
    soak = Soak(lab, trust_random)
    with crew(lab, 1, "soak") as workers:
        soak.start(60)
        eventually(soak.attempts)
        _fill(ballast)
        eventually(lambda: _is_in_trouble(server))
        workers.workers["crew-1"].until_logged("No space left on device")
        ballast.unlink()
        if not server.is_running():
            server.start()
        eventually(server.is_up)
        soak.until_ended()
        soak.check(released=True, may_miss_events=True)
        assert lab.sql("select * from pgflow.step_tasks where requeued_count > 0") == []
        workers.stop()
