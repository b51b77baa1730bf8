"""What handlers ask for that their task did not bring along: inputs of runs and of the tasks of maps."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Fetch: TypeAlias = Callable[[str, str | None], Awaitable[str]]
"""From a run id to the run's input as JSON text; with a map's slug to what its tasks get too."""


class RunInputs:
    """Fetches each text once; keeps the last ``most`` of them.

    Texts and not values, so that a handler that changes its copy changes nobody else's.
    """

    def __init__(self, fetch: Fetch, loop: asyncio.AbstractEventLoop, most: int = 128) -> None:
        self._fetch = fetch
        self._loop = loop
        self._most = most
        self._known: OrderedDict[tuple[str, str | None], asyncio.Task[str]] = OrderedDict()
        self._loading: set[asyncio.Task[str]] = set()

    async def get(self, run_id: str, step_slug: str | None = None) -> str:
        """The input of a run, or of a map's tasks, from the event loop."""
        key = (run_id, step_slug)
        pending = self._known.get(key)
        if pending is None or (pending.done() and (pending.cancelled() or pending.exception())):
            pending = self._loop.create_task(self._load(*key))
            self._known[key] = pending
            self._loading.add(pending)
            pending.add_done_callback(self._loaded)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return await asyncio.shield(pending)

    def get_in_thread(self, run_id: str, step_slug: str | None = None) -> str:
        """The same from a handler's thread."""
        return asyncio.run_coroutine_threadsafe(self.get(run_id, step_slug), self._loop).result()

    async def close(self) -> None:
        """End what is still being fetched: those who wait for it are cancelled."""
        pending = list(self._loading)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def _loaded(self, task: asyncio.Task[str]) -> None:
        self._loading.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it may be gone, and asyncio would complain

    async def _load(self, run_id: str, step_slug: str | None) -> str:
        return await self._fetch(run_id, step_slug)
