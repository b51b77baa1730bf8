"""Several worker processes under one: started, watched, restarted when they crash, stopped together.

Children are spawned as programs of their own (``worker/child.py``), never forked. Each is told what to do
through its stdin, which also tells it when the supervisor is gone, and reports through a pipe when it runs
or why it cannot start.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.project import Project
from pgflow_runtime.worker.backoff import Backoff
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker_config import WorkerConfig

FAILED_STARTS = 3
"""Failed starts in a row that end the whole."""
STEADY = 60.0
"""Seconds after which a process counts as steady: its next crash is a first one again."""


class CannotStart(PgflowError):
    """A worker process could not start three times in a row."""


@dataclass
class _Child:
    process: asyncio.subprocess.Process
    status: asyncio.StreamReader


class Supervisor:
    """Keeps ``config.processes`` worker processes running."""

    def __init__(self, flows: Sequence[str], conninfo: str, config: WorkerConfig, project: Project) -> None:
        self._config = config
        self._orders = [
            _order(flows, conninfo, config.of_process(number), project)
            for number in range(1, config.processes + 1)
        ]
        self._stopping = asyncio.Event()
        self._children: dict[int, _Child] = {}
        self._failure: PgflowError | None = None

    async def run(self) -> None:
        """Until all processes have ended for good.

        Raises:
            CannotStart: with the reason the processes gave.
        """
        await asyncio.gather(*(self._keep(number) for number in range(1, self._config.processes + 1)))
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ask all processes to stop in good order."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End all processes at once."""
        self._signal(signal.SIGKILL)

    async def _keep(self, number: int) -> None:
        """Have process ``number`` running until it ends in good order or the whole stops."""
        backoff = Backoff(0.5, 30.0)
        failed_starts = 0
        while not self._stopping.is_set():
            born = asyncio.get_running_loop().time()
            code, reason, was_running = await self._run_once(number)
            if code == 0 or self._stopping.is_set():
                return
            if asyncio.get_running_loop().time() - born > STEADY:
                backoff.reset()
            failed_starts = 0 if was_running else failed_starts + 1
            if failed_starts == FAILED_STARTS:
                self._failure = CannotStart(f"worker process {number} cannot start: {reason}")
                self.stop()
                return
            pause = backoff.pause()
            logger.error("worker process %s ended (%s); restarting in %.1f s", number, reason, pause)
            await self._sleep(pause)

    async def _run_once(self, number: int) -> tuple[int, str, bool]:
        """Exit code, the reason of the end, and whether the process ever took tasks."""
        child = await self._spawn(self._orders[number - 1])
        self._children[number] = child
        if self._stopping.is_set():
            child.process.terminate()
        was_running, reason = False, ""
        async for line in child.status:
            report = json.loads(line)
            was_running = was_running or report.get("state") == "running"
            reason = report.get("error", reason)
        code = await child.process.wait()
        del self._children[number]
        return code, reason or _how(code), was_running

    async def _spawn(self, order: bytes) -> _Child:
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pgflow_runtime.worker.child",
                str(writing),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(writing,),
                start_new_session=True,  # so that Ctrl-C reaches only the supervisor, which passes it on
            )
        finally:
            os.close(writing)
        status = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(status), os.fdopen(reading, "rb")
        )
        assert process.stdin is not None
        process.stdin.write(order)
        return _Child(process, status)

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children.values():
            if child.process.returncode is None:
                child.process.send_signal(number)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _order(flows: Sequence[str], conninfo: str, config: WorkerConfig, project: Project) -> bytes:
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
    }
    return json.dumps(order).encode() + b"\n"


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
