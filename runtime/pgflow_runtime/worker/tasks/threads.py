"""Threads for sync handlers.

Not ``concurrent.futures``: its threads are joined when the interpreter ends, and a handler that never
returns would keep the process for ever. These are daemons, and each result wakes the event loop once.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias

from pgflow_runtime import forks

Job: TypeAlias = Callable[[], Any]
Done: TypeAlias = Callable[[Any], None]


class Threads:
    """Up to ``most`` threads; more are started only while all are busy.

    A job must not raise: it returns what ``done`` is called with, in the event loop.
    """

    def __init__(self, most: int, loop: asyncio.AbstractEventLoop) -> None:
        self._most = most
        self._loop = loop
        self._jobs: SimpleQueue[tuple[Job, Done] | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0

    @property
    def busy(self) -> int:
        """Jobs that have not returned."""
        return self._busy

    def submit(self, job: Job, done: Done) -> None:
        """Run a job in a thread. Called from the event loop, as is ``done`` later."""
        if self._busy >= self._threads and self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name=f"pgflow-{self._threads}", daemon=True).start()
        self._busy += 1
        self._jobs.put((job, done))

    def close(self) -> None:
        """Let idle threads end; busy ones end after their job."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        pid = os.getpid()
        while (item := self._jobs.get()) is not None:
            job, done = item
            result = job()
            if os.getpid() != pid:
                forks.leave()  # a child that the handler forked: it must not act as the worker
            try:
                self._loop.call_soon_threadsafe(self._finish, done, result)
            except RuntimeError:  # the loop is closed: the worker has ended without this thread
                return

    def _finish(self, done: Done, result: Any) -> None:
        self._busy -= 1
        done(result)
