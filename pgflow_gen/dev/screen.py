"""What ``dev`` shows: every line with the name of who says it, from several threads, never mixed up."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Final

from pgflow_gen.report import wants_colour

WIDTH: Final = 9
"""Columns of a name."""

_HUES: Final[Mapping[str, str]] = {
    "dev": "\x1b[1m",
    "server": "\x1b[34m",
    "build": "\x1b[36m",
    "migrate": "\x1b[35m",
    "worker": "\x1b[32m",
    "dashboard": "\x1b[33m",
}
_PLAIN: Final = "\x1b[0m"


class Screen:
    """Prints to stdout; once nobody reads it any more, to nowhere."""

    def __init__(self) -> None:
        self.has_colour = wants_colour(sys.stdout)
        self._lock = threading.Lock()
        self._is_closed = False

    def say(self, name: str, text: str) -> None:
        """One or several lines of ``name``."""
        label = f"{name:<{WIDTH}}"
        if self.has_colour:
            label = f"{_HUES.get(name, '')}{label}{_PLAIN}"
        self._write("".join(f"{label} | {line}".rstrip() + "\n" for line in text.splitlines() or [""]))

    def gap(self) -> None:
        """An empty line between one change and the next."""
        self._write("\n")

    def _write(self, text: str) -> None:
        with self._lock:
            if self._is_closed:
                return
            try:
                sys.stdout.write(text)
                sys.stdout.flush()
            except (
                OSError,
                ValueError,
            ):  # the terminal is gone: what was started has to be ended all the same
                self._is_closed = True
