"""What all tasks of a process share is opened once, when it is asked for, and closed the newest first."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

import pytest

from pgflow_runtime import Resource
from pgflow_runtime.dsl.resource import close_resources
from pgflow_runtime.errors import UsageError

events: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_has_happened() -> None:
    events.clear()


@contextmanager
def _a_manager() -> Iterator[int]:
    events.append("open a")
    yield 1
    events.append("close a")


@asynccontextmanager
async def _b_manager() -> AsyncIterator[str]:
    events.append("open b")
    await asyncio.sleep(0)
    task = asyncio.current_task()
    yield "b"
    assert asyncio.current_task() is task
    events.append("close b")


async def test_each_is_opened_once_and_closed_in_the_opposite_order() -> None:
    a, b = Resource(_a_manager), Resource(_b_manager)
    assert events == []
    assert set(await asyncio.gather(a.aget(), a.aget())) == {1}
    assert set(await asyncio.gather(b.aget(), b.aget())) == {"b"}
    assert a.get() == 1
    assert events == ["open a", "open b"]
    await close_resources()
    assert events[2:] == ["close b", "close a"]
    assert a.get() == 1
    assert events[4:] == ["open a"]
    await close_resources()


async def test_the_newest_is_closed_first() -> None:
    a, b = Resource(_a_manager), Resource(_b_manager)
    await b.aget()
    await a.aget()
    await close_resources()
    assert events == ["open b", "open a", "close a", "close b"]


def test_threads_wait_for_the_one_that_opens() -> None:
    barrier, opened = threading.Barrier(4), list[int]()

    def opener() -> list[int]:
        opened.append(1)
        return opened

    def ask(resource: Resource[list[int]]) -> list[int]:
        barrier.wait()
        return resource.get()

    resource = Resource(opener)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, [resource] * 4))
    assert all(value is opened for value in found)
    assert opened == [1]


async def test_an_opening_that_failed_is_tried_again() -> None:
    async def opener() -> int:
        events.append("open")
        if len(events) == 1:
            raise ConnectionError("away")
        return 7

    resource = Resource(opener)
    with pytest.raises(ConnectionError, match="away"):
        await resource.aget()
    assert await resource.aget() == 7
    await close_resources()


def test_an_async_resource_belongs_to_its_event_loop() -> None:
    async def opener() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def use() -> bool:
        return await resource.aget() is asyncio.get_running_loop()

    resource = Resource(opener)
    assert asyncio.run(use())
    assert asyncio.run(use())
    with pytest.raises(UsageError, match=r"write `await resource\.aget\(\)`"):
        resource.get()


async def test_a_test_puts_its_own_in_the_place() -> None:
    a = Resource(_a_manager)
    with a.override(5) as fake, a.override(6):
        assert (a.get(), await a.aget(), fake) == (6, 6, 5)
    assert events == []


def test_what_is_async_without_saying_so_is_refused() -> None:
    with pytest.raises(UsageError, match="declare it with `async def`"):
        Resource(lambda: _b_manager()).get()


async def test_what_cannot_be_closed_is_said_and_the_rest_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    @contextmanager
    def opener() -> Iterator[int]:
        yield 1
        raise OSError("no")

    a, bad = Resource(_a_manager), Resource(opener)
    await a.aget()
    await bad.aget()
    await close_resources()
    assert events == ["open a", "close a"]
    assert "cannot be closed: no" in caplog.text


def test_a_forked_child_opens_its_own() -> None:
    resource = Resource(os.getpid)
    assert resource.get() == os.getpid()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"own" if resource.get() == os.getpid() else b"old")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 3) == b"own"
