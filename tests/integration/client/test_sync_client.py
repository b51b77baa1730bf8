"""The synchronous twin: the same promises, with threads where the other has tasks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from pgflow_runtime.errors import (
    ClientClosed,
    ConnectionFailed,
    InvalidInput,
    RunFailed,
    RunNotFound,
    WaitTimeout,
)
from tests.support.core import Core
from tests.support.crawl import Client, check_order, finish, name_of
from tests.support.wait import eventually

INPUT = {"urls": ["a", "b"]}
OUTPUT = {"note": "n", "report": {"pages": 2}}


def is_watched(hand: Core) -> bool:
    return bool(hand.value("select count(*) > 0 from pgflow.announcements"))


def test_result_while_the_work_is_done(dsn: str, hand: Core) -> None:
    with Client.connect(dsn) as client, ThreadPoolExecutor() as pool:
        run = client.start_crawl(INPUT)
        waiting = pool.submit(run.result, timeout=30)
        eventually(lambda: is_watched(hand))
        finish(hand)
        assert waiting.result() == OUTPUT
        assert client.get_crawl(run.run_id).step("fetch").wait_for("completed") == [
            {"url": "a"},
            {"url": "b"},
        ]
        eventually(lambda: not is_watched(hand))


def test_poll_only(dsn: str, hand: Core) -> None:
    with Client.connect(dsn, poll_only=True) as client:
        run = client.start_crawl(INPUT)
        finish(hand)
        assert run.result(timeout=30) == OUTPUT


def test_events_live_and_late(dsn: str, hand: Core) -> None:
    with Client.connect(dsn) as client, ThreadPoolExecutor() as pool:
        run = client.start_crawl(INPUT)
        live = pool.submit(lambda: [name_of(event) for event in run.events()])
        eventually(lambda: is_watched(hand))
        finish(hand)
        late = [name_of(event) for event in run.events()]
        for names in (live.result(), late):
            check_order(names)
            assert len(names) == 10


def test_callbacks_come_one_by_one_and_can_be_ended(dsn: str, hand: Core) -> None:
    seen: list[Any] = []
    with Client.connect(dsn) as client:
        run = client.start_crawl(INPUT)
        run.on("*", seen.append)
        end = run.on("completed", lambda event: seen.append("never"))
        eventually(lambda: seen)
        end()
        finish(hand)
        eventually(lambda: len(seen) == 10)
        check_order([name_of(event) for event in seen])


def test_failures(dsn: str, hand: Core) -> None:
    with Client.connect(dsn) as client:
        with pytest.raises(InvalidInput, match=r"input\.urls"):
            client.start_crawl({"urls": "a"})
        with pytest.raises(RunNotFound):
            client.get_crawl(uuid4())
        run = client.start_crawl(INPUT)
        with pytest.raises(WaitTimeout):
            run.result(timeout=0.01)
        hand.poll("crawl", 100)
        hand.fail_task(run.run_id, "note", 0, "no")
        with pytest.raises(RunFailed, match=r"step 'note', task 0: .*no"):
            run.result()
    with pytest.raises(ConnectionFailed):
        Client.connect("host=localhost port=1")


def test_closing_ends_waits_and_threads(dsn: str, hand: Core) -> None:
    client = Client.connect(dsn)
    run = client.start_crawl(INPUT)
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            run.result(timeout=60)
        except ClientClosed as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: is_watched(hand))
    client.close()
    thread.join(timeout=30)
    assert len(failures) == 1
    assert not [found for found in threading.enumerate() if found.name.startswith("pgflow-")]
    assert not is_watched(hand)


def test_two_threads_share_one_client(dsn: str, hand: Core) -> None:
    with Client.connect(dsn) as client, ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: client.start_crawl(INPUT), range(20)))
        waits = [pool.submit(run.result, timeout=60) for run in runs[:7]]
        finish(hand)
        assert [found.result() for found in waits] == [OUTPUT] * 7
        assert [run.result(timeout=60) for run in runs] == [OUTPUT] * 20
