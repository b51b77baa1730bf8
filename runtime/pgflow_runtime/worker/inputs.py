"""The inputs of runs, for handlers that ask for one their task did not bring along."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Fetch: TypeAlias = Callable[[str], Awaitable[str]]
"""From a run id to the run's input as JSON text."""


class RunInputs:
    """Fetches each run's input once; keeps the texts of the last ``most`` runs.

    Texts and not values, so that a handler that changes its copy changes nobody else's.
    """

    def __init__(self, fetch: Fetch, loop: asyncio.AbstractEventLoop, most: int = 128) -> None:
        self._fetch = fetch
        self._loop = loop
        self._most = most
        self._known: OrderedDict[str, asyncio.Task[str]] = OrderedDict()

    async def get(self, run_id: str) -> str:
        """The input of a run, from the event loop."""
        pending = self._known.get(run_id)
        if pending is None or (pending.done() and (pending.cancelled() or pending.exception())):
            pending = self._loop.create_task(self._load(run_id))
            self._known[run_id] = pending
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(run_id)
        return await asyncio.shield(pending)

    def get_in_thread(self, run_id: str) -> str:
        """The input of a run, from a handler's thread."""
        return asyncio.run_coroutine_threadsafe(self.get(run_id), self._loop).result()

    async def _load(self, run_id: str) -> str:
        return await self._fetch(run_id)
