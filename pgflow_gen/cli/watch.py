"""Which sources changed since the last look; ``pgflow-gen build --watch``: a build after every change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import click

from pgflow_command.lazy import CommandFailure
from pgflow_gen.cli.output import tell
from pgflow_gen.config import Config
from pgflow_gen.incremental.fingerprint import FileStamps, file_stamps

INTERVAL = 0.3
"""Seconds between two looks. Looking at a thousand files takes a few milliseconds, and needs no library."""
SETTLE = 0.1
"""Seconds without a further change after which an editor is taken to have written everything."""


class Sources:
    """The files a build reads, as of the last look. ``load`` gives the configuration, or raises."""

    def __init__(self, load: Callable[[], Config]) -> None:
        self._load = load
        self._stamps = self._look()

    def changes(self) -> list[str]:
        """The files that came, went or changed since the last call, relative to the working directory.

        Once there are some, those too that follow at once.
        """
        changed = self._changes()
        more = changed
        while more:
            time.sleep(SETTLE)
            more = self._changes()
            changed += [path for path in more if path not in changed]
        return changed

    def _changes(self) -> list[str]:
        before, self._stamps = self._stamps, self._look()
        now = self._stamps
        if now is None or before is None:
            return [] if now is before else ["pyproject.toml"]
        changed = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
        files = {path for path in changed if not path.endswith("/")}
        return [_relative(path) for path in sorted(files or changed)]

    def _look(self) -> FileStamps | None:
        """None while the configuration cannot be read."""
        try:
            return file_stamps(self._load(), generated=False)
        except click.ClickException:
            return None


def watch(load: Callable[[], Config], build: Callable[[Config], None]) -> None:
    """Build now and after every change, whatever is wrong with the project meanwhile."""
    tell("Watching; Ctrl-C ends it.")
    sources = Sources(load)  # an edit made during a build is the next change
    try:
        while True:
            _build(load, build)
            while not sources.changes():
                time.sleep(INTERVAL)
    except KeyboardInterrupt:
        tell("Watched.")


def _build(load: Callable[[], Config], build: Callable[[Config], None]) -> None:
    try:
        build(load())
    except click.ClickException as error:
        error.show()
    except OSError as error:
        click.echo(f"Error: {error}", err=True)


def require_watchable(config: Config) -> None:
    """Raises CommandFailure for a project that has too many files to look at, or folders that it may not."""
    if file_stamps(config) is None:
        raise CommandFailure(
            "This project cannot be watched: it has too many files, or a folder that cannot be read.",
            "name your flows' own folders in flows and src in [tool.pgflow-gen]",
        )


def _relative(path: str) -> str:
    relative = os.path.relpath(path, Path.cwd())
    return path if relative.startswith("..") else relative
