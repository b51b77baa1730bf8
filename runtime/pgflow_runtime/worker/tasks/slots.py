"""The places a worker has for tasks."""

from __future__ import annotations

import asyncio
import sys

from pgflow_runtime.errors import PgflowError


class AllSlotsStuck(PgflowError):
    """Every slot is held by a handler that goes on after its timeout; this process can do nothing more."""

    help = (
        "an async handler must not swallow asyncio.CancelledError; a sync one must bound its waiting "
        "(timeouts of sockets, subprocesses, locks)"
    )


class Slots:
    """Counts ``total`` places: busy with a handler, reserved for tasks a call may bring, or free.

    A handler that goes on after its timeout is stuck: it keeps its place. After ``most_tasks`` tasks, if
    given, none is free ever again.
    """

    def __init__(self, total: int, most_tasks: int | None = None) -> None:
        self.total = total
        self.left = sys.maxsize if most_tasks is None else most_tasks
        """Tasks that may still be begun."""
        self.spent = asyncio.Event()
        """Set once that is none."""
        self.busy = 0
        self.reserved = 0
        self.stuck = 0

    @property
    def free(self) -> int:
        return min(self.total - self.busy, self.left) - self.reserved

    @property
    def all_stuck(self) -> bool:
        return self.stuck >= self.total

    def reserve(self, most: int) -> int:
        """Set aside up to ``most`` free places; returns how many."""
        count = max(0, min(self.free, most))
        self.reserved += count
        return count

    def take(self) -> None:
        """A task begins."""
        self.busy += 1
        self.left -= 1
        if self.left <= 0:
            self.spent.set()

    def unreserve(self, count: int) -> None:
        self.reserved -= count
