"""The few things that differ between a task and a thread, written twice by hand; all else is converted."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


class AsyncNotifier:
    """Tells waiters that something changed. ``version`` rises with each ``notify``.

    Take ``version``, look at the state, then ``wait`` for a later version: no change can be missed.
    """

    def __init__(self) -> None:
        self.version = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        self.version += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seen: int, timeout: float | None) -> None:
        """Until ``version`` is not ``seen``, or the time (seconds) is over."""
        if self.version != seen:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)


class Notifier:
    """``AsyncNotifier`` for threads."""

    def __init__(self) -> None:
        self.version = 0
        self._condition = threading.Condition()

    def notify(self) -> None:
        with self._condition:
            self.version += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout: float | None) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self.version != seen, timeout)


class AsyncWakeup:
    """Waits for a connection's socket, for ``set`` from anywhere in the loop, or for the time."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, connection: _HasFileno | None, timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        fileno = connection.fileno() if connection is not None else None
        if fileno is not None:
            loop.add_reader(fileno, self._event.set)
        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            if fileno is not None:
                loop.remove_reader(fileno)
        self._event.clear()

    def close(self) -> None:
        """Nothing to give back."""


class Wakeup:
    """``AsyncWakeup`` for threads: ``set`` writes into a pipe the waiter looks at beside the socket."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._lock = threading.Lock()
        self._is_open = True

    def set(self) -> None:
        with self._lock:
            if self._is_open:
                try:
                    os.write(self._writer, b"x")
                except BlockingIOError:
                    return  # full of earlier calls: it will wake up anyway

    def wait(self, connection: _HasFileno | None, timeout: float | None) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        if connection is not None:
            poll.register(connection.fileno(), select.POLLIN)
        poll.poll(None if timeout is None else timeout * 1000)
        try:
            while os.read(self._reader, 4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.close(self._reader)
                os.close(self._writer)


class AsyncBackground:
    """Work that goes on beside its owner."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        self._task = asyncio.create_task(main(), name=name)

    @property
    def is_running(self) -> bool:
        return not self._task.done()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs inside this very work."""
        return asyncio.current_task() is self._task

    async def join(self, timeout: float) -> None:
        """Wait for its end; cancel it when the time (seconds) is over."""
        if self.is_current:
            return
        done, _ = await asyncio.wait({self._task}, timeout=timeout)
        if not done:
            self._task.cancel()
            await asyncio.wait({self._task})


class Background:
    """``AsyncBackground`` as a daemon thread; one that does not end in time is left alone."""

    def __init__(self, main: Callable[[], None], name: str) -> None:
        self._thread = threading.Thread(target=main, name=name, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        return threading.current_thread() is self._thread

    def join(self, timeout: float) -> None:
        if not self.is_current:
            self._thread.join(timeout)


async def asleep(seconds: float) -> None:
    """Wait so many seconds."""
    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Wait so many seconds."""
    time.sleep(seconds)


async def acall(handler: Callable[[Any], object], event: object) -> None:
    """Call a handler that may be a coroutine function."""
    result = handler(event)
    if asyncio.iscoroutine(result):
        await result


def call(handler: Callable[[Any], object], event: object) -> None:
    """Call a handler."""
    handler(event)
