"""A command group that knows its commands by import string and loads the one that is run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import click

from pgflow_shared.distribution import LEAN, WHOLE, installed


@dataclass(frozen=True, slots=True)
class LazyCommand:
    target: str
    """``package.module:attribute``."""
    summary: str
    """One line for the list of commands."""
    section: str

    @property
    def is_installed(self) -> bool:
        """Whether its package is there: the lean distribution has none of the compiler's commands."""
        return _is_there(self.target.partition(".")[0])


@cache
def _is_there(package: str) -> bool:
    """Asked once a package, not once a command: the answer costs a walk over the path."""
    return find_spec(package) is not None


class CommandFailure(click.ClickException):
    """A command that cannot be carried out; ``help`` says what to do. Exit code 2."""

    exit_code = 2

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message if help is None else f"{message}\n  help: {help}")


class LazyGroup(click.Group):
    """Lists commands without importing them."""

    lazy: Mapping[str, LazyCommand]

    def __init__(self, *args: object, lazy: Mapping[str, LazyCommand], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._installed)

    @property
    def _installed(self) -> dict[str, LazyCommand]:
        return {name: command for name, command in self.lazy.items() if command.is_installed}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = self.lazy.get(cmd_name)
        return None if known is None else _load(cmd_name, known)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.lazy and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, self.lazy, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        available = self._installed
        width = max(map(len, self.lazy))
        for section in dict.fromkeys(command.section for command in available.values()):
            rows = [
                (name.ljust(width), command.summary)
                for name, command in available.items()
                if command.section == section
            ]
            with formatter.section(section):
                formatter.write_dl(rows)
        absent = [name for name in self.lazy if name not in available]
        if absent:
            formatter.write_paragraph()
            formatter.write_text(f"With {WHOLE} in the place of {LEAN} also: {', '.join(absent)}.")


def _missing(name: str, known: LazyCommand, module: str) -> CommandFailure:
    if not known.is_installed and installed() == LEAN:
        return CommandFailure(
            f"{name!r} is for where flows are written, and not in {LEAN}:"
            f" pip uninstall {LEAN} && pip install {WHOLE}"
        )
    return CommandFailure(
        f"The command {name!r} is not part of this installation ({module} is missing).",
        f"reinstall it: pip install --force-reinstall {installed()}",
    )


def _load(name: str, known: LazyCommand) -> click.Command:
    module_name, _, attribute = known.target.partition(":")
    try:
        command = getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        # Only when it is the command itself that is missing, not something that it imports.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise _missing(name, known, error.name) from None
    assert isinstance(command, click.Command)
    from pgflow_command.options import add_verbosity

    return add_verbosity(command)
