"""Ctrl-C and its like while ``dev`` is at work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

ASK_TO_END: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Set by the first signal; the second calls ``hurry``, the third ends this process on the spot.

    A flag and not an exception: an exception could come between starting a process and knowing of it.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._count = 0
        self.hurry: Callable[[], None] = lambda: None
        for number in ASK_TO_END:
            signal.signal(number, self._received)

    @property
    def is_near(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether it came within this time."""
        return self._asked.wait(seconds)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self._asked.set()
        if self._count == 2:
            self.hurry()
        elif self._count > 2:
            os._exit(1)
