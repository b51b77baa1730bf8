"""Ending handlers in threads: at once in Python, and never what comes after them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import pytest

from pgflow_runtime.worker.executors.ending import Ending, HandlerEnded
from pgflow_runtime.worker.tasks.task import Task


class Told:
    """What is asked of a task here."""

    def __init__(self) -> None:
        self.reasons: list[str | None] = []

    def cancel(self, why: str | None) -> None:
        self.reasons.append(why)


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_loop_in_python_ends_and_its_task_hears_why() -> None:
    ending, told, begun = Ending(), Told(), threading.Event()
    ended: list[type[BaseException]] = []

    def work() -> None:
        try:
            with ending.in_thread(cast("Task", told)):
                begun.set()
                while True:
                    pass
        except HandlerEnded as error:
            ended.append(type(error))

    thread = in_thread(work)
    begun.wait()
    ending.end("a mistake")
    thread.join()
    assert (ended, told.reasons) == ([HandlerEnded], ["a mistake"])


def test_an_async_handler_is_cancelled() -> None:
    ending, begun = Ending(), threading.Event()
    ended: list[str] = []

    async def handler() -> None:
        with ending.in_loop(cast("Task", Told())):
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("cancelled")

    thread = in_thread(lambda: asyncio.run(handler()))
    begun.wait()
    ending.end("a mistake")
    thread.join()
    assert ended == ["cancelled"]


def test_what_was_told_to_end_before_does_not_begin() -> None:
    ending = Ending()
    ending.end("a mistake")
    with pytest.raises(HandlerEnded), ending.in_thread(cast("Task", Told())):
        raise AssertionError("it has begun")


def test_what_comes_after_the_handler_is_not_hit() -> None:
    """However late it is told to end: hundreds of threads leave while they are told."""
    for _ in range(300):
        ending, begun = Ending(), threading.Event()
        passed: list[bool] = []

        def work(
            ending: Ending = ending, begun: threading.Event = begun, passed: list[bool] = passed
        ) -> None:
            try:
                with ending.in_thread(cast("Task", Told())):
                    begun.set()
            except HandlerEnded:
                pass
            for _ in range(50):
                passed.append(True)

        thread = in_thread(work)
        begun.wait()
        ending.end("too late")
        thread.join()
        assert len(passed) == 50
