"""Writing around a stream's buffer, whose lock a child forked at the wrong moment finds taken for ever."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import TextIO


class Unbuffered:
    """Writes each text at once, as UTF-8 or what the stream writes."""

    def __init__(self, number: int, encoding: str) -> None:
        self._number = number
        self._encoding = encoding

    def write(self, text: str) -> int:
        rest = text.encode(self._encoding, "backslashreplace")
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:
                select.select([], [self._number], [])
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


def unbuffered(stream: TextIO | None) -> TextIO | Unbuffered | None:
    """A way around the buffer of a stream that writes to a file; any other stream as it is."""
    with suppress(OSError, ValueError, AttributeError):  # no file of the system's
        assert stream is not None
        return Unbuffered(stream.fileno(), stream.encoding or "utf-8")
    return stream
