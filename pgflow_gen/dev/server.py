"""The database of ``dev``: the project's embedded server, held by a process of its own, or one by its DSN."""

from __future__ import annotations

import json
import os
import queue
from pathlib import Path
from typing import Any, Final

from pgflow_command.lazy import CommandFailure
from pgflow_gen.dev.child import ChildProcess
from pgflow_gen.dev.screen import Screen

_HOLDER: Final = "pgflow_runtime.database.embedded.keep_running"
_NAMES: Final = (
    "PGFLOW_DSN",
    "PGFLOW_DSN_FILE",
    "DATABASE_URL",
    "PGHOST",
    "PGHOSTADDR",
    "PGSERVICE",
    "PGDATABASE",
)
"""The variables by which other commands find a database."""
_UNSET: Final = dict.fromkeys(("PGFLOW_DSN_FILE", "PGFLOW_READ_DSN", "PGFLOW_READ_DSN_FILE"), "")


class Server:
    """Where everything that ``dev`` starts finds its database, and whether flows may be recreated there."""

    def __init__(
        self, root: Path, dsn: str | None, *, development: bool, adopt_data: bool, screen: Screen
    ) -> None:
        self._dsn = dsn
        self._adopt = ["--adopt-data"] if adopt_data else []
        self._development = development
        self._screen = screen
        self._root = root
        self._holder: ChildProcess | None = None
        self._said: queue.Queue[str] = queue.Queue()

    @property
    def is_embedded(self) -> bool:
        return self._holder is not None

    @property
    def way_out(self) -> str:
        """What to do when migrations cannot be applied here."""
        waits = "the worker waits for a change that can be applied"
        if self.is_embedded or self._development:
            return waits
        return f"{waits}; if this database is for development, start again with --development"

    @property
    def conninfo(self) -> str:
        """Where it is; the embedded one's only after ``start``."""
        assert self._dsn is not None
        return self._dsn

    @property
    def ignored(self) -> list[str]:
        """The variables that other commands would follow, and ``dev`` does not."""
        if self._holder is None:
            return []
        return [name for name in _NAMES if os.environ.get(name)]

    def start(self) -> None:
        """Have the embedded server running. Raises CommandFailure, with the reason."""
        if self._dsn is not None:
            self._screen.say("server", "the one that --dsn names")
            return
        self._holder = ChildProcess(
            "server", [str(self._root), *self._adopt], screen=self._screen, env=dict(os.environ),
            module=_HOLDER, hear=self._said.put,
        )  # fmt: skip
        told = self._answer(self._holder)
        self._dsn = str(told["conninfo"])
        folder = Path(str(told["folder"]))
        if told["adopted"]:
            self._screen.say("server", str(told["adopted"]))
        place = folder.relative_to(self._root) if folder.is_relative_to(self._root) else folder
        self._screen.say("server", f"PostgreSQL {told['version']}, embedded; its data is in {place}")

    def for_commands(self) -> dict[str, str]:
        """The environment in which a command uses this database."""
        return {**os.environ, "PGFLOW_DSN": self.conninfo, **_UNSET}

    def for_migrate(self) -> tuple[list[str], dict[str, str]]:
        """Options and environment in which ``migrate`` knows whether flows may be recreated."""
        if self._holder is not None:
            return [], {name: value for name, value in os.environ.items() if name not in _NAMES}
        return ["--development"] if self._development else [], self.for_commands()

    def stop(self) -> None:
        """Let go of the embedded server; it stops unless another command still uses it."""
        if self._holder is None:
            return
        self._holder.let_go()
        self._holder.wait()
        self._holder = None

    def _answer(self, holder: ChildProcess) -> dict[str, Any]:
        lines: list[str] = []
        while True:
            try:
                line = self._said.get(timeout=0.1)
            except queue.Empty:
                if holder.code is None:
                    continue
                raise CommandFailure("the embedded server did not start:\n" + "\n".join(lines)) from None
            lines.append(line)
            if not line.startswith("{"):
                continue
            told: dict[str, Any] = json.loads(line)
            if "error" in told:
                raise CommandFailure(told["error"], told["help"])
            return told
