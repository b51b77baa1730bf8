"""The dashboard beside ``dev``: a process of its own, if this installation has it."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import Final

from pgflow_command.app import COMMANDS
from pgflow_gen.dev.child import ChildProcess
from pgflow_gen.dev.screen import Screen
from pgflow_gen.dev.server import Server

COMMAND: Final = "dashboard"
LIBRARIES: Final = ("starlette", "uvicorn")
"""What the extra brings."""
USUAL: Final = 8642
PATIENCE: Final = 5.0
_HOST: Final = "127.0.0.1"


class DashboardProcess:
    """Serves the dashboard on a port of the loopback interface, from the first ``start`` on."""

    def __init__(self, port: int | None, server: Server, screen: Screen, *, is_wanted: bool) -> None:
        self._port = port
        self._server = server
        self._screen = screen
        self._is_wanted = is_wanted
        self._child: ChildProcess | None = None

    def start(self) -> None:
        """Serve it, unless it is being served, was not wanted or is not installed."""
        if not self._is_wanted or (self._child is not None and self._child.code is None):
            return
        if COMMAND not in COMMANDS or not all(find_spec(name) for name in LIBRARIES):
            self._is_wanted = False
            if COMMAND in COMMANDS:
                self._screen.say(COMMAND, "not installed: pip install 'pgflow-gen[dashboard]'")
            return
        port = self._port if self._port is not None else _port()
        arguments = [COMMAND, "--port", str(port), "--allow-control"]
        env = self._server.for_commands()
        self._child = ChildProcess(COMMAND, arguments, screen=self._screen, env=env, hear=self._hear)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(PATIENCE)
            self._child = None

    def kill(self) -> None:
        """End it at once."""
        if self._child is not None:
            self._child.kill()

    def _hear(self, line: str) -> None:
        self._screen.say(COMMAND, line.removeprefix(f"{COMMAND}: "))


def _port() -> int:
    """The usual one, so that a page in the browser finds it again; 0, which means any, if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, USUAL))
        except OSError:
            return 0
    return USUAL
