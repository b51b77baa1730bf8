"""What a worker process tells its supervisor: lines of JSON through a pipe."""

from __future__ import annotations

import asyncio
import json
import os


class Status:
    """Reads until ``close``; the pipe's end tells nothing, as children of handlers may hold it open."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self.was_running = False
        """Whether the process ever took tasks."""
        self.health_port = 0
        """Where the process serves its health; 0: not yet, or nowhere."""
        self.error = ""
        """Why it could not start or go on, in its own words."""
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def close(self) -> None:
        """Take what there still is; a process that has ended says no more."""
        while self._read():
            continue
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> bool:
        """Whether there may be more."""
        try:
            data = os.read(self._fd, 65_536)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._fd)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            report = json.loads(line)
            self.was_running = self.was_running or report.get("state") == "running"
            self.health_port = int(report.get("health", self.health_port))
            self.error = report.get("error", self.error)
        return bool(data)
