"""Waiting for something to become true, for tests over several sessions or processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


def _pauses(timeout: float) -> Iterator[float]:
    """Pauses growing from 2 ms to 100 ms until ``timeout`` seconds are over."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while time.monotonic() < deadline:
        yield pause
        pause = min(pause * 1.5, 0.1)


def eventually(probe: Callable[[], T], timeout: float = 30.0) -> T:
    """Call ``probe`` until it returns something true, and return that.

    An AssertionError in the probe means "not yet"; the last one is raised when ``timeout`` seconds are over.
    """
    last: object = None
    for pause in _pauses(timeout):
        try:
            last = result = probe()
            if result:
                return result
        except AssertionError as error:
            last = error
        time.sleep(pause)
    raise AssertionError(f"not true within {timeout:g} s; last: {last!r}")


async def eventually_async(probe: Callable[[], Awaitable[T]], timeout: float = 30.0) -> T:  # noqa: ASYNC109
    """The same for a coroutine function."""
    last: object = None
    for pause in _pauses(timeout):
        try:
            last = result = await probe()
            if result:
                return result
        except AssertionError as error:
            last = error
        await asyncio.sleep(pause)
    raise AssertionError(f"not true within {timeout:g} s; last: {last!r}")
