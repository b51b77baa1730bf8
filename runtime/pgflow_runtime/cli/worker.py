"""``pgflow-gen worker``: run the handlers of flows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, fields
from typing import Any, get_args

import click

from pgflow_runtime import forks
from pgflow_runtime.cli.common import dsn_option, exit_code, generated_option, refusals
from pgflow_runtime.option_values import Choice, Flag, Integer, Number, Text, Values
from pgflow_runtime.project import find_project
from pgflow_runtime.worker import Worker, logs
from pgflow_runtime.worker.process.options import variable
from pgflow_runtime.worker_config import LogFormat, LogLevel, WorkerConfig
from pgflow_shared.verbosity import is_quiet, is_verbose


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One flag for each field of ``WorkerConfig``."""
    for option in reversed(fields(WorkerConfig)):
        command = _flag(option)(command)
    return command


def _flag(option: Field[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    name = option.name.replace("_", "-")
    default = option.default if option.default not in (None, "", False) else None
    note = f" [{variable(option.name)}" + (f"; default {default}]" if default is not None else "]")
    text = option.metadata["help"] + note
    values: Values = option.metadata["values"]
    if isinstance(values, Flag):
        return click.option(f"--{name}/--no-{name}", option.name, default=None, help=text)
    return click.option(f"--{name}", option.name, type=_type_of(values), default=None, help=text)


def _type_of(values: Text | Number) -> click.ParamType[Any]:
    if isinstance(values, Choice):
        return click.Choice(values.words)
    if isinstance(values, Number):
        return click.INT if isinstance(values, Integer) else click.FLOAT
    return click.STRING


@click.command()
@click.argument("flows", metavar="MODULE:FLOW...", nargs=-1, required=True)
@dsn_option
@generated_option
@worker_options
def worker(flows: tuple[str, ...], dsn: str | None, generated: str | None, **options: Any) -> None:
    """Run the handlers of one or several flows until SIGTERM or Ctrl-C.

    MODULE:FLOW names a Flow object, as flows.crawl:crawl. A second signal ends at once.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if (
        "log_level" not in given
        and not os.environ.get(variable("log_level"))
        and (is_quiet() or is_verbose())
    ):
        given["log_level"] = "warning" if is_quiet() else "debug"
    with refusals(), _logging(given) as level:
        project = find_project(generated=generated)
        logs.show(project.module_names(), level)
        try:
            Worker(flows, dsn=dsn, project=project, **given).run()
        finally:
            forks.end_children()


@contextmanager
def _logging(given: Mapping[str, Any]) -> Iterator[LogLevel]:
    """Logging as asked for before there is a worker: for what modules of flows say while they are imported.

    Where log lines are to be JSON, so are the last words. Gives the level.
    """

    def asked(name: str) -> str:
        return str(given.get(name) or os.environ.get(variable(name)) or "")

    format: LogFormat = "json" if asked("log_format") == "json" else "text"
    levels: dict[str, LogLevel] = {level: level for level in get_args(LogLevel)}
    level = levels.get(asked("log_level"), "info")
    logs.set_up(format, level)
    try:
        logs.set_up(format, level, asked("log_config"))
        yield level
    except Exception as error:
        if format == "text":
            raise
        logs.last_words(error)
        raise click.exceptions.Exit(exit_code(error)) from error
