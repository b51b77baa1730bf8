"""Growing pauses between attempts to reach something that is not there."""

from __future__ import annotations

import random


class Backoff:
    """Pauses in seconds from ``first``, doubling up to ``longest``, each shortened at random."""

    def __init__(self, first: float = 0.1, longest: float = 5.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def pause(self) -> float:
        pause = self._next
        self._next = min(self._next * 2, self._longest)
        return pause * random.uniform(0.67, 1.0)  # noqa: S311

    def reset(self) -> None:
        self._next = self._first
