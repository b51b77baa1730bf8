"""SIGTERM and SIGINT: the first asks the worker to stop, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from pgflow_runtime import forks
from pgflow_runtime.worker.logs import logger

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Holds the handlers while entered; in another thread than the main one it does nothing.

    Plain handlers and not the event loop's: they run even while an async handler blocks the loop. A child
    that a handler forks has the actions of before.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._on_stop: Callable[[], object] | None = None
        self._on_exit: Callable[[], None] | None = None
        self._count = 0

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._received) for number in STOP_SIGNALS}
            forks.tell(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def forked(self) -> None:
        self._restore()
        signal.set_wakeup_fd(-1)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._received:
                signal.signal(number, handler)

    def call(self, on_stop: Callable[[], object], on_exit: Callable[[], None] | None = None) -> None:
        """Have ``on_stop`` called at the first signal, ``on_exit`` before the second ends the process."""
        self._on_stop = on_stop
        self._on_exit = on_exit

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._on_stop is None:
            sys.exit(128 + number)  # still starting: nothing to finish
        if self._count == 1:
            name = signal.Signals(number).name
            event = {"state": "stopping"}
            logger.info("%s: stopping; a second signal ends at once", name, extra={"pgflow_event": event})
            self._on_stop()
            return
        if self._on_exit is not None:
            self._on_exit()
        forks.end_children(patience=0.0)
        os._exit(1)
