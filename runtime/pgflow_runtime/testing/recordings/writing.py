"""Where a recording goes: a stream or a file of its owner's alone; no more than was allowed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pgflow_runtime.errors import UsageError


def bounded(pieces: Iterable[str], most: int) -> Iterator[str]:
    """The pieces. Raises UsageError once they are more than ``most`` bytes of UTF-8 together."""
    passed = 0
    for piece in pieces:
        passed += len(piece.encode())
        if passed > most:
            raise UsageError(
                f"the recording is larger than {most:,} bytes",
                help="allow more with --max-bytes, or export fewer runs at once",
            )
        yield piece


def write_to(stream: BinaryIO, pieces: Iterable[str], most: int) -> None:
    """Raises UsageError like ``bounded``."""
    for piece in bounded(pieces, most):
        stream.write(piece.encode())
    stream.flush()


def write_file(path: Path, pieces: Iterable[str], most: int) -> None:
    """A file that only its owner can read; it is there when it is whole. Raises UsageError."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as stream:
                write_to(stream, pieces, most)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
