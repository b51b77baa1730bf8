"""Ending a handler that runs in a thread, where its process goes on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any

from pgflow_runtime.worker.tasks.task import Task


class HandlerEnded(BaseException):
    """Raised in a handler whose task was cancelled, or whose time is over."""


class Ending:
    """By which another thread ends the handler of this one; without effect before it begins and after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._task: Task | None = None
        self._thread: int | None = None
        self._job: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def end(self, reason: str) -> None:
        """Cancel an async handler; raise HandlerEnded in a sync one, at its next instruction in Python.

        What it calls in C ends first. ``ctx.cancelled`` is set in any case.
        """
        with self._lock:
            self._reason = reason
            if self._task is not None:
                self._task.cancel(reason)
            if self._job is not None:
                loop, job = self._job
                loop.call_soon_threadsafe(job.cancel)
            elif self._thread is not None:
                _raise_in(self._thread, HandlerEnded)

    @contextlib.contextmanager
    def in_thread(self, task: Task) -> Iterator[None]:
        """While a sync handler runs. Raises HandlerEnded where it was told to end already."""
        with self._lock:
            self._begin(task)
            self._thread = threading.get_ident()
        try:
            yield
        finally:
            self._leave_thread()

    @contextlib.contextmanager
    def in_loop(self, task: Task) -> Iterator[None]:
        """While an async handler runs, in the asyncio task that it is cancelled with. Raises HandlerEnded."""
        job = asyncio.current_task()
        assert job is not None
        with self._lock:
            self._begin(task)
            self._job = asyncio.get_running_loop(), job
        try:
            yield
        finally:
            with self._lock:
                self._job = None

    def _begin(self, task: Task) -> None:
        if self._reason is not None:
            raise HandlerEnded(self._reason)
        self._task = task

    def _leave_thread(self) -> None:
        """What was to be raised, and came too late for the handler, hits nothing after it."""
        while self._thread is not None:
            with contextlib.suppress(HandlerEnded), self._lock:
                _raise_in(threading.get_ident(), None)
                self._thread = None


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise an exception; None: not the one that it has not raised yet."""
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
