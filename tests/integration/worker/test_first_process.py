"""A worker as process 1 of a container: signals reach it, and orphans of its handlers are reaped."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from pgflow_runtime.migrate import LOCK_KEY
from tests.support.project import REPOSITORY, Project, clean_environment
from tests.support.server import Server
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess, make_project

IN_A_CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
FLOW = '''\
import subprocess

from pgflow_runtime import Flow

orphans = Flow[int]("orphans")


@orphans.step
def leave(flow_input: int) -> int:
    """Programs that outlive their parents for a moment: whoever gets them has to reap them."""
    for _ in range(flow_input):
        subprocess.run(["sh", "-c", "sleep 0.05 & exit 0"], check=True)
    return flow_input


@orphans.step
def own(leave: int) -> int:
    """The exit code of a child of one's own is one's own."""
    return subprocess.run(["sh", "-c", "sleep 0.1; exit 7"]).returncode
'''


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    """Say so, loudly, where the machine gives none: nothing of this module is tested then."""
    done = subprocess.run([*IN_A_CONTAINER, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no PID namespaces here ({done.stderr.strip()}): a worker as process 1 is NOT TESTED")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("orphans")
    (folder / "source.py").write_text(FLOW, encoding="utf-8")
    return make_project(folder / "project", "orphans", folder / "source.py")


@pytest.fixture
def orphans(postgres_server: Server, project: Project, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database()
    project.ok("migrate", "--dsn", dsn)
    yield Lab(project, dsn, tmp_path, "orphans")
    postgres_server.drop_database(dsn)


def _first_process(worker: WorkerProcess) -> psutil.Process:
    (first,) = psutil.Process(worker.process.pid).children()
    return first


def _zombies(worker: WorkerProcess) -> list[psutil.Process]:
    family = psutil.Process(worker.process.pid).children(recursive=True)
    return [process for process in family if process.status() == psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_orphans_are_reaped_and_children_keep_their_exit_codes(orphans: Lab, processes: str) -> None:
    worker = WorkerProcess.launch(orphans, ["orphans"], {"processes": processes}, prefix=IN_A_CONTAINER)
    try:
        worker.until_serving()
        assert orphans.completed(orphans.start("orphans", 20)) == {"own": 7}
        eventually(lambda: not _zombies(worker))
        _first_process(worker).send_signal(signal.SIGTERM)
        assert worker.exit_code() == 0
        assert "SIGTERM: stopping" in worker.log
        assert "stopped orphans" in worker.log
    finally:
        worker.clear_away()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_command_ends_by_signals_as_process_1(orphans: Lab, number: signal.Signals) -> None:
    """The kernel drops what process 1 has no handler for."""
    waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
    with psycopg.connect(orphans.dsn) as holder:
        holder.execute("select pg_advisory_xact_lock(%s)", [LOCK_KEY])
        command = [sys.executable, "-m", "pgflow_gen", "migrate", "--dsn", orphans.dsn]
        process = subprocess.Popen(
            [*IN_A_CONTAINER, *command],
            cwd=orphans.project.root,
            env=clean_environment(),
            stderr=subprocess.PIPE,
        )
        try:
            eventually(lambda: orphans.sql(waiting))
            (first,) = psutil.Process(process.pid).children()
            first.send_signal(number)
            assert process.wait(30) in (128 + number, 130)
        finally:
            process.kill()
            process.communicate()


def test_the_end_of_the_command_is_the_end_of_the_container(orphans: Lab) -> None:
    for arguments, code in (["--version"], 0), (["nonsense"], 2):
        command = [*IN_A_CONTAINER, sys.executable, "-m", "pgflow_gen", *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
