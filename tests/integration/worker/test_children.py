"""Handlers that have children: forked ones have nothing of the worker, and neither is in the other's way."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support import children_flows
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, make_project

FLOWS = Path(children_flows.__file__)


@pytest.fixture(scope="module")
def children_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("children"), "children", FLOWS)


@pytest.fixture(scope="module")
def children_template(postgres_server: Server, children_project: Project) -> str:
    dsn = postgres_server.create_database()
    children_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture
def lab(
    postgres_server: Server, children_project: Project, children_template: str, tmp_path: Path
) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(children_template))
    yield Lab(children_project, dsn, tmp_path, "children")
    postgres_server.drop_database(dsn)


@pytest.fixture
def left(lab: Lab) -> Iterator[list[psutil.Process]]:
    """Processes that a handler left running; ended after the test."""
    found: list[psutil.Process] = []
    yield found
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        found.append(_child(lab))
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _child(lab: Lab) -> psutil.Process:
    return psutil.Process(int((lab.folder / "child").read_text()))


def _family(pid: int) -> list[psutil.Process]:
    return list(psutil.Process(pid).children(recursive=True))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_pools_of_processes_in_handlers(lab: Lab, processes: str) -> None:
    with lab.worker("pooled", max_concurrent="4", processes=processes) as worker:
        output = lab.completed(lab.start("pooled", 80), timeout=120)
        assert output["spread"] == [sum(m * m for m in range(n, n + 4)) for n in range(80)]
        assert output["spawned"] == sum(n * n for n in range(80))
        family = _family(worker.process.pid)
        assert worker.stop() == 0
        _, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_forked_child_has_nothing_of_the_worker(lab: Lab, processes: str) -> None:
    with lab.worker("curious", processes=processes) as worker:

        def asked(what: str) -> object:
            return lab.completed(lab.start("curious", {"what": what}))["both"]

        assert asked("actions") == [["default", "default", -1]] * 2
        assert asked("terminated") == [[-15, -9]] * 2
        assert asked("log") == ["said"] * 2
        assert worker.log.count("a word from a child") == 2
        assert asked("preexec") == [0, 0]
        assert worker.stop() == 0


@pytest.mark.parametrize("processes", ["1", "2"])
def test_children_inherit_no_file(lab: Lab, processes: str) -> None:
    options = {"health_port": "0"} if processes == "1" else {}
    with lab.worker("curious", processes=processes, **options) as worker:
        for what, own in (("files", 1), ("executed", 0)):
            for links in lab.completed(lab.start("curious", {"what": what}))["both"]:
                strange = [link for link in links if link.startswith(("socket:", "pipe:", "anon_inode:"))]
                assert len(strange) == own, (what, links)
        if processes == "2":  # what its supervisor has to say is for nobody else
            assert lab.completed(lab.start("curious", {"what": "stdin"}))["both"] == ["", ""]
        assert worker.stop() == 0


def test_a_connection_stays_with_the_worker(lab: Lab) -> None:
    with lab.worker("asking") as worker:
        refusal, closed, lives = lab.completed(lab.start("asking", "connection"))["ask"]
        assert "ctx.conn() in a child process" in refusal
        assert (closed, lives) == (None, True)
        refusal = lab.completed(lab.start("asking", "flow input"))["ask"]
        assert "ctx.flow_input() in a child process" in refusal
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("how", "codes", "text"),
    [
        ("return", [0, 0], ""),
        ("exit", [3, 3], ""),
        ("error", [1, 1], "ValueError: of the child"),
        ("await", [0, 1], "came back to the worker's event loop"),
    ],
)
def test_a_child_that_comes_back_from_a_handler_ends(lab: Lab, how: str, codes: list[int], text: str) -> None:
    with lab.worker("ending") as worker:
        run = lab.start("ending", how)
        assert lab.completed(run)["codes"] == codes
        assert text in worker.log
        assert len(lab.sql("select 1 from pgflow.workers")) == 1
        worker.signal()
        assert worker.process.wait(30) == 0


@pytest.mark.parametrize(
    ("how", "processes"), [("fork", "1"), ("program", "1"), ("multiprocessing", "1"), ("fork", "2")]
)
def test_a_process_that_a_handler_left_behind_keeps_nobody(
    lab: Lab, left: list[psutil.Process], how: str, processes: str
) -> None:
    with lab.worker("leaving", processes=processes) as worker:
        lab.completed(lab.start("leaving", {"folder": str(lab.folder), "how": how}))
        child = _child(lab)
        left.append(child)
        assert child.is_running()
        assert worker.stop() == 0
        assert child.is_running() == (how != "multiprocessing")


@pytest.mark.parametrize("how", ["fork", "program"])
def test_a_worker_that_was_killed_is_started_again_beside_what_its_handlers_left(
    lab: Lab, left: list[psutil.Process], how: str
) -> None:
    with lab.worker("leaving", processes="2", health_port=str(_free_ports())) as worker:
        eventually(lambda: worker.log.count("serving ") == 2)
        output = lab.completed(lab.start("leaving", {"folder": str(lab.folder), "how": how}))
        left.append(_child(lab))
        os.kill(output["leave"], signal.SIGKILL)
        worker.until_logged("killed by SIGKILL")
        eventually(lambda: worker.log.count("serving ") == 3)
        assert worker.stop() == 0
        assert left[0].is_running()


def _free_ports() -> int:
    """A port that is free, as is the next one."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with suppress(OSError, OverflowError):
                two.bind(("127.0.0.1", port + 1))
                return port


def _pool_at_work(lab: Lab) -> list[psutil.Process]:
    return eventually(lambda: [_child(lab)] if (lab.folder / "child").exists() else [])


def test_a_handler_that_does_not_end_takes_its_pool_with_it(lab: Lab, left: list[psutil.Process]) -> None:
    with lab.worker("waiting", grace_seconds="0.2") as worker:
        run = lab.start("waiting", {"folder": str(lab.folder), "how": ""})
        _pool_at_work(lab)
        left += _family(worker.process.pid)
        assert len(left) == 2
        assert worker.stop() == 0
        _, alive = psutil.wait_procs(left, timeout=30)
        assert alive == []
        assert (lab.task(run)["status"], lab.task(run)["attempts_count"]) == ("queued", 0)


def test_a_second_signal_takes_the_pools_too(lab: Lab, left: list[psutil.Process]) -> None:
    with lab.worker("waiting") as worker:
        lab.start("waiting", {"folder": str(lab.folder), "how": ""})
        _pool_at_work(lab)
        left += _family(worker.process.pid)
        worker.signal()
        worker.until_logged("a second signal ends at once")
        worker.signal()
        assert worker.exit_code() == 1
        _, alive = psutil.wait_procs(left, timeout=30)
        assert alive == []
