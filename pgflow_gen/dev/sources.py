"""Which sources changed since the last look."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from pgflow_gen.config import Config
from pgflow_gen.incremental.fingerprint import FileStamps, file_stamps


class Sources:
    """The files a build reads, as of the last look. ``load`` gives the configuration, or raises."""

    def __init__(self, load: Callable[[], Config]) -> None:
        self._load = load
        self._known = self._look()

    def changes(self) -> list[str]:
        """The files that came, went or changed since the last call, relative to the working directory."""
        found = self._look()
        before, self._known = self._known, found
        if found is None or before is None:
            return [] if found is before else ["pyproject.toml"]
        changed = {path for path in before.keys() | found.keys() if before.get(path) != found.get(path)}
        files = {path for path in changed if not path.endswith("/")}
        return [_relative(path) for path in sorted(files or changed)]

    def _look(self) -> FileStamps | None:
        """None while the configuration cannot be read."""
        try:
            return file_stamps(self._load(), generated=False)
        except click.ClickException:
            return None


def _relative(path: str) -> str:
    relative = os.path.relpath(path, Path.cwd())
    return path if relative.startswith("..") else relative
