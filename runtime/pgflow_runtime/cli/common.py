"""What all database commands share: options, the database itself, and how they refuse."""

from __future__ import annotations

import getpass
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar

import click
import psycopg
from psycopg.rows import dict_row

from pgflow_runtime.database.dsn import ReadDsn, describe, resolve_dsn, resolve_read_dsn
from pgflow_runtime.errors import (
    CoreTooNew,
    ForeignSchema,
    MigrationChanged,
    PgflowError,
    ProjectError,
    UsageError,
)
from pgflow_runtime.project import Project, find_project
from pgflow_runtime.registry import contracts
from pgflow_runtime.terminal.output import shows_pictures
from pgflow_shared.verbosity import is_quiet, is_verbose

F = TypeVar("F", bound=Callable[..., Any])

_dsn_option = click.option(
    "--dsn",
    metavar="DSN",
    help="The database: a URL or libpq's key=value string. Default: PGFLOW_DSN, the file that"
    " PGFLOW_DSN_FILE names, DATABASE_URL, libpq's variables (PGHOST, ...), else the project's embedded"
    " server.",
)


def _adopt(_context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:
    if not is_wanted:
        return
    from pgflow_runtime.database.embedded import adopt_data

    with refusals():
        adopted = adopt_data(find_project().root)
    say(adopted or "note: there is no data to adopt: what the embedded server has was made here")


_adopt_option = click.option(
    "--adopt-data",
    is_flag=True,
    expose_value=False,
    callback=_adopt,
    help="Take over the embedded server's data although it was not made here; says whose it is and where.",
)


def dsn_option(command: F) -> F:
    """``--dsn``, and what goes with the server that is used without one."""
    return _dsn_option(_adopt_option(command))


read_dsn_option = click.option(
    "--read-dsn",
    metavar="DSN",
    help="A streaming replica (standby) of the database, to read from; what changes something goes to --dsn."
    " Default: PGFLOW_READ_DSN, the file that PGFLOW_READ_DSN_FILE names, else none.",
)


generated_option = click.option(
    "--generated",
    metavar="DIR",
    help="The folder of generated files. Default: PGFLOW_GENERATED, else `out` of [tool.pgflow-gen].",
)


flow_option = click.option(
    "--flow", metavar="SLUG", help="Only runs of this flow (its slug in the database)."
)


class CommandRefusal(click.ClickException):
    """A command that ends with a sentence. Exit code 2 for wrong usage, else 1."""

    def __init__(self, error: PgflowError) -> None:
        super().__init__(error.message if error.help is None else f"{error.message}\n  help: {error.help}")
        self._exit_code = exit_code(error)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return self._exit_code


def exit_code(error: Exception) -> int:
    """2 for wrong usage, else 1."""
    return 2 if isinstance(error, (UsageError, ProjectError)) else 1


@contextmanager
def refusals() -> Iterator[None]:
    """End the command with the message and the way out of the errors raised inside."""
    try:
        yield
    except PgflowError as error:
        raise CommandRefusal(error) from error


@contextmanager
def database(dsn: str | None, project: Project) -> Iterator[str]:
    """The connection string to use; the embedded server runs meanwhile when nothing names another.

    SIGTERM ends the block in good order (the embedded server is let go of) unless the command handles it.
    """
    found = resolve_dsn(dsn)
    for note in found.notes:
        say(f"note: {note}")
    if is_verbose():
        where = "the project's embedded server" if found.conninfo is None else describe(found.conninfo)
        say(f"note: {where}, by {found.source}")
    if found.conninfo is not None:
        yield found.conninfo
        return
    from pgflow_runtime.database.embedded import embedded_server  # needs a Unix system, which a DSN does not
    from pgflow_runtime.database.embedded.location import location_of

    folder = location_of(project.root).folder
    if not folder.is_relative_to(project.root.resolve()):
        say(f"note: the embedded server's data is in {folder}")
    with _terminable(), embedded_server(project.root) as conninfo:
        try:
            yield conninfo
        except (CoreTooNew, ForeignSchema, MigrationChanged) as error:
            error.help = f"{error.help}\n  note: to start anew, delete the embedded server's folder {folder}"
            raise


def replica(read_dsn: str | None, dsn: str | None) -> ReadDsn | None:
    """The replica to read from, if one is named. Raises UsageError where nothing names its primary."""
    found = resolve_read_dsn(read_dsn)
    if found is None:
        return None
    if resolve_dsn(dsn).is_embedded:
        raise UsageError(
            f"{found.source} names a replica, and nothing names its primary",
            help="name it in --dsn, PGFLOW_DSN or DATABASE_URL; the embedded server has no replicas",
        )
    if is_verbose():
        say(f"note: the replica is {describe(found.conninfo)}, by {found.source}")
    return found


def rows_of(
    connection: psycopg.Connection[Any], query: LiteralString, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A query's rows by the names of their columns."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def print_rows(
    rows: list[dict[str, Any]],
    as_json: bool,
    *,
    none: str,
    draw: Callable[[list[dict[str, Any]]], None],
    lines: Callable[[list[dict[str, Any]]], Iterable[str]],
) -> None:
    """A list as JSON; where it is empty, in words; as a picture where one is seen, else line by line."""
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str, ensure_ascii=False))
    elif not rows:
        say(none)
    elif shows_pictures(sys.stdout):
        draw(rows)
    else:
        for line in lines(rows):
            click.echo(line)


def worker_command(project: Project, dsn: str | None) -> Callable[[str], str]:
    """From a flow's slug in the database to what starts a worker for it."""

    def command(slug: str) -> str:
        return f"pgflow-gen worker {_target(project, slug)}" + (" --dsn <the same>" if dsn else "")

    return command


def _target(project: Project, slug: str) -> str:
    try:
        return next(found.flow for found in contracts(project) if found.slug == slug)
    except (ProjectError, StopIteration):
        return "MODULE:FLOW"


def actor() -> str | None:
    """Who is at the keyboard, for the trail of what was done to runs; None where the system does not say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return None


def say(text: str) -> None:
    """A line for the user's eyes, on stderr; not for who asked for quiet."""
    if not is_quiet():
        click.echo(text, err=True)


@contextmanager
def _terminable() -> Iterator[None]:
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
