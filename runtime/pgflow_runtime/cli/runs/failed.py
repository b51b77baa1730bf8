"""Runs that failed, as ``runs export`` and ``replay`` choose them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import click
import psycopg

from pgflow_runtime.cli.common import database, say
from pgflow_runtime.database.store import connected, translated
from pgflow_runtime.duration import parse_duration
from pgflow_runtime.errors import UsageError
from pgflow_runtime.project import Project
from pgflow_runtime.runs.failed import failed_run_ids
from pgflow_shared.text import counted

F = TypeVar("F", bound=Callable[..., Any])


def failed_options(instead: str, limit: int) -> Callable[[F], F]:
    """``--failed --flow --since --limit``. ``instead``: what --failed is, beside naming runs."""
    options = (
        click.option("--failed", is_flag=True, help=instead),
        click.option(
            "--flow", metavar="SLUG", help="With --failed: of this flow (its slug in the database)."
        ),
        click.option("--since", metavar="DURATION", help="With --failed: within this time: 90m, 12h, 30d."),
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=limit,
            show_default=True,
            help="With --failed: how many runs at most.",
        ),
    )

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def check_choice(named: bool, failed: bool, flow: str | None, since: str | None, *, by: str) -> None:
    """Runs are either named or chosen. ``by``: what names them. Raises UsageError."""
    if named and failed:
        raise UsageError(f"{by} names runs, and --failed chooses them", help="give one of the two")
    if not named and not failed:
        raise UsageError("say which runs", help=f"give {by}, or --failed, or --failed --since 1d")
    if not failed and (flow is not None or since is not None):
        raise UsageError("--flow and --since choose among the failed runs of a database", help="add --failed")


@contextmanager
def reading(dsn: str | None, project: Project, *, autocommit: bool) -> Iterator[psycopg.Connection[Any]]:
    """A connection that only reads: all in one state of the database, or each transaction in its own."""
    with database(dsn, project) as conninfo, connected(conninfo, autocommit=autocommit) as connection:
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def failed_runs(
    connection: psycopg.Connection[Any], flow: str | None, since: str | None, limit: int
) -> tuple[UUID, ...]:
    """Their ids, the latest first; says so where there are more."""
    moment = datetime.now().astimezone() - parse_duration(since) if since is not None else None
    with translated():
        found = tuple(islice(failed_run_ids(connection, flow, moment), limit + 1))
    if len(found) > limit:
        say(f"note: there are more; these are the latest {counted(limit, 'run')} (--limit)")
    return found[:limit]
