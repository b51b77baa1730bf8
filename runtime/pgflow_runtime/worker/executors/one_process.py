"""One process for handlers, as its worker sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pgflow_runtime import forks
from pgflow_runtime.dsl.resource import PATIENCE
from pgflow_runtime.worker.executors import records
from pgflow_runtime.worker.executors.base import LostElsewhere
from pgflow_runtime.worker.executors.frames import frame, read
from pgflow_runtime.worker.executors.messages import BEGUN, END, LOG, READY, RESULT, SHUTDOWN, Order
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_shared.system.processes import signal_name

_SCRIPT = Path(__file__).with_name("start_child.py")
_LAST_WORDS = 1.0
"""Seconds in which what a process has said before its end is read."""


class CannotBegin(Exception):
    """A process for handlers ended, or refused, before it was ready; says why."""


class NotBegun(Exception):
    """The process ended before it began the task."""


class _Watch(asyncio.SubprocessProtocol):
    """Hears of the process's end."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        self.ended.set()


class OneProcess:
    """Started once, for one task at a time."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._transport: asyncio.SubprocessTransport | None = None
        self._watch = _Watch()
        self._hearing: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._result: asyncio.Future[PackedResult] | None = None
        self._begin: Callable[[], None] | None = None
        self.tasks = 0
        """How many it has begun."""

    @property
    def pid(self) -> int:
        return 0 if self._transport is None else self._transport.get_pid()

    @property
    def is_alive(self) -> bool:
        return self._transport is not None and not self._watch.ended.is_set()

    @property
    def is_busy(self) -> bool:
        return self._result is not None

    async def start(self) -> None:
        """Raises CannotBegin: it ended, or cannot find the handlers; when cancelled it is killed."""
        ours, theirs = socket.socketpair()
        forks.keep(ours)
        try:
            with theirs:
                await self._launch(theirs.fileno())
        except OSError as error:
            ours.close()
            raise CannotBegin(f"it cannot be started: {error}") from error
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._hearing = asyncio.ensure_future(self._hear(reader))
        try:
            self._writer.write(frame(self._order))
            await self._until_ended(self._ready)
        except BaseException:
            self.kill()
            raise
        fault = self._ready.result() if self._ready.done() else f"its process {self._how()}"
        if fault is not None:
            self.kill()
            raise CannotBegin(fault)

    async def _launch(self, fd: int) -> None:
        folders = [folder for folder in self._order.path if folder]
        self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: self._watch,
            *(sys.executable, "-P", str(_SCRIPT), str(fd), *folders),
            env={name: os.environ[name] for name in os.environ if name not in self._order.environment},
            stdin=subprocess.DEVNULL,
            stdout=None,
            stderr=None,
            pass_fds=(fd,),
            start_new_session=True,  # signals of a terminal are the worker's; and its group can be killed
        )

    async def run(self, task: PackedTask, begin: Callable[[], None]) -> PackedResult:
        """Have a task done. When cancelled the process is killed.

        Raises:
            NotBegun: the process had ended already.
            LostElsewhere: it ended under the task; says how.
        """
        result: asyncio.Future[PackedResult] = asyncio.get_running_loop().create_future()
        self._result = result
        self._begin = begin
        try:
            self._writer.write(frame(task))
            await self._until_ended(result)
        except BaseException:
            self.kill()
            raise
        if not result.done():
            if self._begin is not None:
                raise NotBegun
            raise LostElsewhere(f"the process that ran the handler {self._how()}")
        self._result = None
        return result.result()

    def tell_shutdown(self) -> None:
        """The worker was asked to stop."""
        self._say(SHUTDOWN)

    def kill(self) -> None:
        """End it at once, with what handlers have started in it."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Let an idle one close what it has opened; kill any other. Returns when it is gone."""
        if self._transport is None:
            return
        if self.is_busy or not self._ready.done():
            self.kill()
        else:
            self._say(END)
        try:
            async with asyncio.timeout(PATIENCE + 1.0):
                await self._watch.ended.wait()
        except TimeoutError:
            self.kill()
            await self._watch.ended.wait()
        self._transport.close()
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.wait({self._hearing})
            self._writer.close()

    def _say(self, word: str) -> None:
        if self.is_alive and self._hearing is not None:
            self._writer.write(frame(word))

    async def _until_ended(self, answer: asyncio.Future[Any]) -> None:
        """Until there is an answer, or the process has ended and there will be none."""
        assert self._hearing is not None
        ended = asyncio.ensure_future(self._watch.ended.wait())
        first = asyncio.FIRST_COMPLETED
        try:
            await asyncio.wait({answer, ended, self._hearing}, return_when=first)
            if answer.done():
                return
            if ended.done():
                await asyncio.wait({answer, self._hearing}, timeout=_LAST_WORDS, return_when=first)
                return
            await asyncio.wait({ended}, timeout=_LAST_WORDS)
            self.kill()  # a handler has closed the line, and nothing will be heard any more
            await ended
        finally:
            ended.cancel()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with suppress(EOFError, OSError):
            while True:
                kind, value = await read(reader)
                if kind == LOG:
                    records.write(value)
                elif kind == READY:
                    self._ready.set_result(value)
                elif kind == BEGUN:
                    self._note_begun()
                elif kind == RESULT and self._result is not None and not self._result.done():
                    self._result.set_result(value)

    def _note_begun(self) -> None:
        self.tasks += 1
        if self._begin is not None:
            self._begin()
            self._begin = None

    def _how(self) -> str:
        """How it ended, in words."""
        assert self._transport is not None
        code = self._transport.get_returncode()
        if code is None:
            return "is gone"
        if code >= 0:
            return f"ended with exit code {code}"
        number = -code
        memory = ": out of memory, perhaps" if number == signal.SIGKILL else ""
        return f"was killed by {signal_name(number)}{memory}"
