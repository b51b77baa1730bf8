"""A program that ``dev`` started: its output goes to the screen, line by line, and it does not outlive us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from pgflow_gen.dev.screen import Screen

COMMAND_PROCESS = "pgflow_gen.dev.command_process"


class ChildProcess:
    """A process in a session of its own, so that Ctrl-C in the terminal reaches ``dev`` alone.

    Args:
        module: what ``python -m`` runs; it has to end when its stdin does.
        hear: called with every line of output instead of the screen.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        screen: Screen,
        env: Mapping[str, str],
        module: str = COMMAND_PROCESS,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            # -P: a user's queue.py in the working directory must not stand before the library's
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**env, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        self._hear = hear or (lambda line: screen.say(name, line))
        self._reader = threading.Thread(target=self._read, name=f"dev-{name}", daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, after all that was said. Raises TimeoutExpired."""
        code = self._process.wait(timeout)
        self._reader.join(timeout=1)  # something that was started from there may hold the pipe open
        return code

    def stop(self, patience: float) -> int:
        """Ask it to end, end it with all that it started after ``patience`` seconds; its exit code."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            return self.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait()

    def kill(self) -> None:
        """End it and its session at once; does not wait."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def let_go(self) -> None:
        """Close its stdin: for what shall end by itself, in its own time."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._hear(line.decode(errors="backslashreplace").rstrip("\r\n"))
