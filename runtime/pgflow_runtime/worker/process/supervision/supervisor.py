"""Several worker processes under one: started, watched, restarted when they crash, stopped together.

Children are spawned as programs of their own (``child.py``), never forked. Each is told what to do
through its stdin, which also tells it when the supervisor is gone, and reports through a pipe when it runs
or why it cannot start.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.project import Project
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.monitoring.restart import is_restartable
from pgflow_runtime.worker.process.supervision.shared_port import SharedPort
from pgflow_runtime.worker.process.supervision.status import Status
from pgflow_runtime.worker_config import WorkerConfig
from pgflow_shared.system.processes import signal_name

FAILED_STARTS = 3
"""Failed starts in a row that end the whole."""
_SCRIPT = Path(__file__).with_name("start_child.py")
_ORDERED = ("PYTHONPATH",)
"""Variables that count only once all of ours is imported; for handlers, and what they start."""
STEADY = 60.0
"""Seconds after which a process counts as steady: its next crash is a first one again."""


class CannotStart(PgflowError):
    """A worker process could not start three times in a row."""


@dataclass
class _Child:
    process: asyncio.SubprocessTransport
    ended: asyncio.Event
    status: Status


class _Watch(asyncio.SubprocessProtocol):
    """Hears of a process's end. Not of the end of its pipes: what it left behind may hold them open."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        self.ended.set()


class Supervisor:
    """Keeps ``config.processes`` worker processes running."""

    def __init__(self, flows: Sequence[str], conninfo: str, config: WorkerConfig, project: Project) -> None:
        self._config = config
        self._folders = _folders(project)
        self._port = SharedPort(config, conninfo, self) if is_restartable(config) else None
        self._order = partial(_order, flows, conninfo, project)
        self._stopping = asyncio.Event()
        self._asked = asyncio.Event()
        self._children: dict[int, _Child] = {}
        self._failure: PgflowError | None = None

    async def run(self) -> None:
        """Until all processes have ended for good.

        Raises:
            CannotStart: with the reason the processes gave.
            UsageError: the health port cannot be had.
        """
        if self._port is not None:
            self._port.start()
        try:
            await asyncio.gather(*(self._keep(number) for number in range(1, self._config.processes + 1)))
        finally:
            if self._port is not None:
                self._port.stop()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ask all processes to stop in good order."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End all processes at once."""
        self._signal(signal.SIGKILL)

    def begin(self) -> str:
        """Have processes that are not there begin at once: ``started``; ``running`` where none is missing.

        ``stopping`` where nothing is begun any more.
        """
        if self._stopping.is_set():
            return "stopping"
        if len(self._children) == self._config.processes:
            return "running"
        self._asked.set()
        self._asked = asyncio.Event()
        return "started"

    def statuses(self) -> dict[int, Status | None]:
        """By the number of a process; None: it is not there."""
        found = {number: child.status for number, child in list(self._children.items())}
        return {number: found.get(number) for number in range(1, self._config.processes + 1)}

    async def _keep(self, number: int) -> None:
        """Have process ``number`` running until it ends in good order or the whole stops."""
        backoff = Backoff(0.5, 30.0)
        failed_starts = 0
        has_run = False
        while not self._stopping.is_set():
            born = asyncio.get_running_loop().time()
            code, reason, was_running = await self._run_once(number)
            if code == 0 or self._stopping.is_set():
                return
            if asyncio.get_running_loop().time() - born > STEADY:
                backoff.reset()
            failed_starts = 0 if was_running else failed_starts + 1
            has_run = has_run or was_running
            if failed_starts >= FAILED_STARTS and has_run and self._port is not None:
                logger.error("worker process %s cannot start: %s; waiting to be asked", number, reason)
                await self._sleep(None)
                continue
            if failed_starts == FAILED_STARTS:
                self._failure = CannotStart(f"worker process {number} cannot start: {reason}")
                self.stop()
                return
            pause = backoff.pause()
            logger.error("worker process %s ended (%s); restarting in %.1f s", number, reason, pause)
            await self._sleep(pause)

    async def _run_once(self, number: int) -> tuple[int, str, bool]:
        """Exit code, the reason of the end, and whether the process ever took tasks."""
        config = self._config.of_process(number) if self._port is None else self._port.config_of(number)
        child = await self._spawn(self._order(config))
        self._children[number] = child
        if self._stopping.is_set():
            child.process.terminate()
        await child.ended.wait()
        del self._children[number]
        code = child.process.get_returncode()
        assert code is not None
        child.process.close()
        child.status.close()
        return code, child.status.error or _how(code), child.status.was_running

    async def _spawn(self, order: bytes) -> _Child:
        reading, writing = os.pipe()
        try:
            process, watch = await asyncio.get_running_loop().subprocess_exec(
                _Watch,
                *(sys.executable, "-P", str(_SCRIPT), str(writing), *self._folders),
                env={name: value for name, value in os.environ.items() if name not in _ORDERED},
                stdin=subprocess.PIPE,
                stdout=None,
                stderr=None,
                pass_fds=(writing,),
                start_new_session=True,  # so that Ctrl-C reaches only the supervisor, which passes it on
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        stdin = process.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        stdin.write(order)
        return _Child(process, watch.ended, Status(reading))

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children.values():
            if child.process.get_returncode() is None:
                child.process.send_signal(number)

    async def _sleep(self, seconds: float | None) -> None:
        """For so long, or until the whole stops, or somebody asks from outside."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stopping, self._asked)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _folders(project: Project) -> list[str]:
    """Where a child may find what the worker itself imports: not in the project, unless we are there too."""
    users = {str(path) for path in (project.root, *project.src)}
    ours = str(_SCRIPT.parents[4])
    return [entry for entry in sys.path if entry == ours or (entry and entry not in users)]


def _order(flows: Sequence[str], conninfo: str, project: Project, config: WorkerConfig) -> bytes:
    """What a child is to do, as one line of JSON; not in its arguments, where others could read the DSN."""
    order: dict[str, Any] = {
        "flows": list(flows),
        "dsn": conninfo,
        "config": asdict(config),
        "project": {
            "root": str(project.root),
            "out": str(project.out),
            "src": [str(path) for path in project.src],
            "migrations": str(project.migrations),
            "style": project.style,
        },
        "path": sys.path,
        "environment": {name: os.environ[name] for name in _ORDERED if name in os.environ},
    }
    return json.dumps(order).encode() + b"\n"


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal_name(-code)}"
    return f"exit code {code}"
