"""A worker process under a supervisor, begun by ``start_child.py``.

Reads what to do as one line of JSON from stdin and reports to the pipe FD. When stdin ends, the supervisor
is gone, and the worker stops in good order. Handlers and their children find nothing in stdin, and take
nothing from us.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pgflow_runtime import forks
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.project import Project
from pgflow_runtime.registry import load_flow
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.loop import own_loop
from pgflow_runtime.worker.process.process import Process
from pgflow_runtime.worker.process.signals import Signals
from pgflow_runtime.worker.protocol.failure import headline
from pgflow_runtime.worker_config import WorkerConfig

STDIN = 0


def main(report_fd: int) -> int:
    """Work; the exit code."""
    report = StatusPipe(report_fd)
    parent = ParentPipe()
    order = json.loads(parent.read_line())
    sys.path[:] = order["path"]
    os.environ.update(order["environment"])
    config = WorkerConfig(**order["config"])
    logs.set_up(config.log_format, config.log_level)
    project = _project(order["project"])
    with Signals() as signals:
        try:
            logs.set_up(config.log_format, config.log_level, config.log_config)
            logs.show(project.module_names(), config.log_level)
            flows = [load_flow(name, project) for name in order["flows"]]
            process = Process(flows, order["dsn"], config)
            code = _work(process, signals, report, parent)
        except Exception as error:
            return _fail(report, error)
    forks.end_children()
    if process.is_lingering:
        forks.end(code)
    return code


class ParentPipe:
    """What was our stdin: its end is the supervisor's."""

    def __init__(self) -> None:
        self._fd = os.dup(STDIN)
        forks.keep(self)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, STDIN)
        os.close(nothing)

    def fileno(self) -> int:
        return self._fd

    def read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(self._fd, 65_536)
            if not piece:
                raise SystemExit("this program is started by a worker's supervisor only")
            line += piece
        return line

    def stop_without(self, stop: Callable[[], None]) -> None:
        """Stop when the supervisor is gone."""
        while os.read(self._fd, 1):  # not sys.stdin: its lock, held here, would abort the interpreter's end
            continue
        logs.logger.warning("the supervisor is gone")
        stop()


class StatusPipe:
    """The pipe to the supervisor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_inheritable(fd, False)
        forks.keep(self)

    def fileno(self) -> int:
        return self._fd

    def send(self, **what: str) -> None:
        try:
            os.write(self._fd, json.dumps(what).encode() + b"\n")
        except OSError:  # nobody reads any more
            return


def _work(process: Process, signals: Signals, report: StatusPipe, parent: ParentPipe) -> int:
    loop = own_loop()
    stop = _threadsafe_stop(loop, process)
    signals.call(stop)
    threading.Thread(target=parent.stop_without, args=(stop,), daemon=True).start()
    try:
        with forks.only_here():
            loop.run_until_complete(_serve(process, report))
    except Exception as error:
        return _fail(report, error)
    return 0


def _fail(report: StatusPipe, error: Exception) -> int:
    logs.last_words(error)
    report.send(error=headline(error) if not isinstance(error, PgflowError) else str(error))
    return 1


async def _serve(process: Process, report: StatusPipe) -> None:
    serving = asyncio.ensure_future(process.serve())
    running = asyncio.ensure_future(process.is_running.wait())
    await asyncio.wait([serving, running], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        report.send(state="running", health=str(process.health_port))
    running.cancel()
    await serving


def _threadsafe_stop(loop: asyncio.AbstractEventLoop, process: Process) -> Callable[[], None]:
    def stop() -> None:
        try:
            loop.call_soon_threadsafe(process.stop)
        except RuntimeError:  # the loop has ended
            return

    return stop


def _project(data: dict[str, Any]) -> Project:
    return Project(
        root=Path(data["root"]),
        out=Path(data["out"]),
        src=tuple(Path(path) for path in data["src"]),
        migrations=Path(data["migrations"]),
        style=data["style"],
    )
