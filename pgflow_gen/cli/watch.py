"""``pgflow-gen build --watch``: a build after every change, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from pgflow_gen.cli.lazy import CommandFailure
from pgflow_gen.cli.output import tell
from pgflow_gen.config import Config
from pgflow_gen.incremental.fingerprint import FileStamps, file_stamps

INTERVAL = 0.4
"""Seconds between two looks. Looking at a thousand files takes a few milliseconds, and needs no library."""


def watch(load: Callable[[], Config], build: Callable[[Config], None]) -> None:
    """Build now and after every change, whatever is wrong with the project meanwhile."""
    tell("Watching; Ctrl-C ends it.")
    try:
        while True:
            _wait(load, _once(load, build))
    except KeyboardInterrupt:
        tell("Watched.")


def _once(load: Callable[[], Config], build: Callable[[Config], None]) -> FileStamps | None:
    """One build, and what the sources were before it: an edit made meanwhile is the next change."""
    before = _look(load)
    try:
        build(load())
    except click.ClickException as error:
        error.show()
    except OSError as error:
        click.echo(f"Error: {error}", err=True)
    return before


def _wait(load: Callable[[], Config], known: FileStamps | None) -> None:
    while _look(load) == known:
        time.sleep(INTERVAL)


def _look(load: Callable[[], Config]) -> FileStamps | None:
    """The project's sources, or None while its configuration cannot be read."""
    try:
        return file_stamps(load(), generated=False)
    except click.ClickException:
        return None


def require_watchable(config: Config) -> None:
    """Raises CommandFailure for a project that has too many files to look at, or folders that it may not."""
    if file_stamps(config) is None:
        raise CommandFailure(
            "This project cannot be watched: it has too many files, or a folder that cannot be read.",
            "name your flows' own folders in flows and src in [tool.pgflow-gen]",
        )
