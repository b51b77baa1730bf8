"""Options of every command, before and after its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pgflow_shared.verbosity import Verbosity, choose

F = TypeVar("F", bound=Callable[..., Any])


def _enter(_ctx: click.Context, _param: click.Parameter, folder: Path | None) -> None:
    if folder is not None:
        os.chdir(folder)


project_option = click.option(
    "-C", "--project", metavar="DIR", expose_value=False, is_eager=True, callback=_enter,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Work in the project in DIR, as if started there.",
)  # fmt: skip

debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an internal error."
)


def _choose(verbosity: Verbosity) -> Callable[[click.Context, click.Parameter, bool], None]:
    def chosen(_ctx: click.Context, _param: click.Parameter, is_wanted: bool) -> None:
        if is_wanted:
            choose(verbosity)

    return chosen


quiet_option = click.option(
    "-q", "--quiet", is_flag=True, expose_value=False, is_eager=True, callback=_choose("quiet"),
    help="Only results, findings and errors; a worker logs warnings and worse.",
)  # fmt: skip

verbose_option = click.option(
    "-v", "--verbose", is_flag=True, expose_value=False, is_eager=True, callback=_choose("verbose"),
    help="Tell more: every file, which database and why that one; a worker logs everything.",
)  # fmt: skip


def common_options(command: F) -> F:
    """``-C`` and ``--debug``, which are accepted before and after the command's name."""
    return project_option(debug_option(command))


def add_verbosity(command: click.Command) -> click.Command:
    """``--quiet`` and ``--verbose`` after the name of a command, as before it."""
    names = {param.name for param in command.params}
    if "verbose" not in names:
        command = verbose_option(command)
    return command if "quiet" in names else quiet_option(command)
