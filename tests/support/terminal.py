"""A command in a terminal of its own, and what it wrote there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.support.project import clean_environment

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """``pgflow-gen`` in a pseudo-terminal; stdin, stdout and stderr are all it."""

    def __init__(
        self, folder: Path, *arguments: str, columns: int = 120, env: Mapping[str, str] | None = None
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pgflow_gen", *arguments],
            cwd=folder,
            env={**clean_environment(), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.written = ""

    def read(self) -> bool:
        """Take in what was written since; False once nothing more will come."""
        try:
            piece = os.read(self._ours, 65_536)
        except OSError:  # Linux says so when the last process has closed the terminal
            piece = b""
        self.written += piece.decode(errors="replace")
        return bool(piece)

    def until(self, text: str) -> None:
        """Read until a text was written."""
        while text not in plain(self.written):
            assert self.read(), f"{text!r} is not in:\n{plain(self.written)}"

    def exit_code(self) -> int:
        """Read to the end."""
        while self.read():
            pass
        os.close(self._ours)
        return self.process.wait(timeout=60)

    @property
    def last_picture(self) -> str:
        """What stands there in the end: after the last time lines were taken back."""
        return plain(self.written.rpartition("\x1b[1A\x1b[2K")[2])


def plain(text: str) -> str:
    """The text without colours and movements."""
    return _ESCAPES.sub("", text).replace("\r\n", "\n")
