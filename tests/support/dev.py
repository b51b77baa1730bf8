"""A running ``pgflow-gen dev``: what it says, how it is ended, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.integration.embedded.conftest import postmaster
from tests.support.project import clean_environment
from tests.support.wait import eventually


class Dev:
    """A running ``pgflow-gen dev``, leader of a process group as a shell would make it."""

    def __init__(
        self,
        root: Path,
        *options: str,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "pgflow_gen"),
    ) -> None:
        self._root = root
        self._log = root / "dev.log"
        with self._log.open("wb") as sink:
            self.process = subprocess.Popen(
                [*command, "dev", *options],
                cwd=root,
                env={**clean_environment(), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.family: dict[int, psutil.Process] = {}

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def until(self, text: str, count: int = 1) -> None:
        """Wait until a text stands in the log, so often."""

        def probe() -> bool:
            self._remember()
            assert self.log.count(text) >= count or self.process.poll() is None, self.log
            return self.log.count(text) >= count

        try:
            eventually(probe, timeout=60)
        except AssertionError:
            raise AssertionError(f"{text!r} is not in:\n{self.log}") from None

    def _remember(self) -> None:
        """Everything that was started, by pid; ``children`` of a dead parent could not be found any more."""
        try:
            found = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return
        self.family.update((child.pid, child) for child in found)

    def interrupt(self) -> None:
        """Ctrl-C: the terminal's signal goes to the whole group."""
        self._remember()
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> int:
        """The exit code, once it and all that it started are gone."""
        code = self.process.wait(timeout=60)
        _, alive = psutil.wait_procs(list(self.family.values()), timeout=60)
        assert not alive, f"{alive}\n{self.log}"
        assert postmaster(self._root) is None
        return code

    def clear_away(self) -> None:
        self._remember()
        for process in [self.process, *self.family.values()]:
            if process is self.process or process.is_running():
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
        self.process.wait()
