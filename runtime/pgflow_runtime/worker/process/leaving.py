"""Why a worker ends by itself: it has begun as many tasks as it may, or had nothing to do for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator

from pgflow_runtime.worker.process.parts import Parts
from pgflow_runtime.worker_config import WorkerConfig
from pgflow_shared.text import counted

LONGEST_LOOK = 1.0
"""Seconds between two looks whether there is still nothing to do, at most."""


def reasons(config: WorkerConfig, parts: Parts) -> Iterator[Coroutine[None, None, str]]:
    """One for each reason the options name; each ends when it holds, and says it."""
    if config.max_tasks is not None:
        yield _spent(parts, config.max_tasks)
    if config.exit_when_idle is not None:
        yield _idle(parts, config.exit_when_idle)


async def _spent(parts: Parts, most: int) -> str:
    await parts.slots.spent.wait()
    return f"{counted(most, 'task')} begun, which is all it may"


async def _idle(parts: Parts, seconds: float) -> str:
    while True:
        left = seconds - parts.idle.seconds_without_work()
        if left <= 0 and parts.running.empty.is_set() and parts.engine.settled.is_set():
            return f"nothing to do for {seconds:g} s"
        await asyncio.sleep(min(max(left, 0.05), LONGEST_LOOK))
