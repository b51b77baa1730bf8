"""The places a worker has for tasks."""

from __future__ import annotations

from pgflow_runtime.errors import PgflowError


class AllSlotsStuck(PgflowError):
    """Every slot is held by a handler that goes on after its timeout; this process can do nothing more."""

    help = (
        "an async handler must not swallow asyncio.CancelledError; a sync one must bound its waiting "
        "(timeouts of sockets, subprocesses, locks)"
    )


class Slots:
    """Counts ``total`` places: busy with a handler, reserved for tasks a call may bring, or free.

    A handler that goes on after its timeout is stuck: it keeps its place.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.busy = 0
        self.reserved = 0
        self.stuck = 0

    @property
    def free(self) -> int:
        return self.total - self.busy - self.reserved

    @property
    def all_stuck(self) -> bool:
        return self.stuck >= self.total

    def reserve(self, most: int) -> int:
        """Set aside up to ``most`` free places; returns how many."""
        count = max(0, min(self.free, most))
        self.reserved += count
        return count

    def unreserve(self, count: int) -> None:
        self.reserved -= count
