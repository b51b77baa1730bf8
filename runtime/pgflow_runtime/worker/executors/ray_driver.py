"""The process that speaks with a Ray cluster, as its worker sees it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pgflow_runtime import forks
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.executors import messages
from pgflow_runtime.worker.executors.base import LostElsewhere
from pgflow_runtime.worker.executors.frames import frame, read
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_runtime.worker.executors.reconnecting import NotReached
from pgflow_runtime.worker.logs import logger
from pgflow_shared.distribution import extra
from pgflow_shared.system.processes import signal_name

_SCRIPT: Final = Path(__file__).with_name("start_driver.py")
_CONNECT: Final = 60.0
"""Seconds until a cluster that does not answer counts as not there."""
_CLOSE: Final = 5.0
"""Seconds that the process has to take leave of the cluster."""
_LONGEST_LINE: Final = 1 << 22
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class _Pending:
    result: asyncio.Future[PackedResult]
    begin: Callable[[], None]


class RayDriver:
    """Started once; when it has ended, another one is needed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._numbers = itertools.count()
        self._pending: dict[int, _Pending] = {}
        self._hearing: list[asyncio.Task[None]] = []
        self.is_alive = False

    async def start(self) -> None:
        """Raises NotReached: Ray is not installed here, or there is no such cluster; says why."""
        ours, theirs = socket.socketpair()
        forks.keep(ours)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(_SCRIPT), str(theirs.fileno())),
                *(folder for folder in sys.path if folder),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                pass_fds=(theirs.fileno(),),
            )
        self._hearing.append(asyncio.create_task(self._pass_on_lines()))
        reader, self._writer = await asyncio.open_connection(sock=ours)
        word = messages.READY
        try:
            self._writer.write(frame(self._address))
            async with asyncio.timeout(_CONNECT):
                word, fault = await read(reader)
        except TimeoutError:
            fault = f"no answer within {_CONNECT:g} s"
        except (EOFError, OSError):
            fault = await self._how_it_ended()
        except BaseException:
            self._kill()
            raise
        if fault is not None:
            await self.close()
            if word == messages.MISSING:
                raise NotReached(f"Ray is not installed here: {fault}", help=extra("ray"))
            raise NotReached(f"Ray at {self._address!r} cannot be reached: {fault}")
        self.is_alive = True
        self._hearing.append(asyncio.create_task(self._hear(reader)))

    async def run(
        self, task: PackedTask, options: Mapping[str, Any], begin: Callable[[], None]
    ) -> PackedResult:
        """When cancelled, the cluster kills the process that runs it. Raises LostElsewhere, PgflowError."""
        number = next(self._numbers)
        pending = _Pending(asyncio.get_running_loop().create_future(), begin)
        self._pending[number] = pending
        self._writer.write(frame((messages.RUN, number, task, options)))
        try:
            return await pending.result
        except asyncio.CancelledError:
            self._writer.write(frame((messages.CANCEL, number)))
            raise
        finally:
            del self._pending[number]

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE):
                await self._process.wait()
        self._kill()
        await self._process.wait()
        for task in self._hearing:
            task.cancel()
        await asyncio.gather(*self._hearing, return_exceptions=True)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                word, number, value = await read(reader)
                pending = self._pending.get(number)
                if pending is not None and not pending.result.done():
                    _tell(pending, word, value)
        self.is_alive = False
        how = await self._how_it_ended()
        for pending in self._pending.values():
            if not pending.result.done():
                pending.result.set_exception(LostElsewhere(f"Ray at {self._address} was lost: {how}"))

    async def _pass_on_lines(self) -> None:
        """What Ray prints, as lines of the worker's log."""
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            text = _COLOURS.sub("", line.decode(errors="replace")).strip()
            if text:
                logger.warning("ray: %s", text)

    async def _how_it_ended(self) -> str:
        code = await self._process.wait()
        how = f"by {signal_name(-code)}" if code < 0 else f"with exit code {code}"
        return f"its driver process ended {how}"

    def _kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


def _tell(pending: _Pending, word: str, value: Any) -> None:
    match word:
        case messages.BEGUN:
            pending.begin()
        case messages.RESULT:
            pending.result.set_result(value)
        case messages.LOST:
            pending.result.set_exception(LostElsewhere(f"Ray lost the task: {value}"))
        case _:
            pending.result.set_exception(PgflowError(f"Ray cannot run the task: {value}"))
