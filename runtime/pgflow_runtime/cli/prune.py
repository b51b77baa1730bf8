"""``pgflow-gen prune``: delete runs that ended long ago."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import click
import psycopg

from pgflow_runtime.cli.common import database, dsn_option, refusals, say
from pgflow_runtime.database.store import connected
from pgflow_runtime.duration import parse_duration
from pgflow_runtime.project import find_project
from pgflow_runtime.worker.maintenance.retention import prune_batch
from pgflow_shared.text import counted


@click.command()
@click.option(
    "--older-than",
    metavar="DURATION",
    required=True,
    help="Delete runs that completed or failed longer ago than this: 45s, 90m, 12h, 30d, 8w.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=500,
    show_default=True,
    help="Runs in one transaction at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a line.")
@dsn_option
def prune(older_than: str, batch: int, as_json: bool, dsn: str | None) -> None:
    """Delete ended runs with their steps, tasks and messages; and old archived messages and dead workers.

    Each batch is a short transaction of its own, so workers go on meanwhile and an interrupted command
    has done what it said. Runs that have not ended stay, however old.
    """
    with refusals():
        keep = parse_duration(older_than)
        with (
            database(dsn, find_project()) as conninfo,
            connected(conninfo, autocommit=True) as connection,
        ):
            total = _prune(connection, keep, batch)
    click.echo(json.dumps({"runs": total}) if as_json else f"deleted {counted(total, 'run')}")


def _prune(connection: psycopg.Connection[tuple[Any, ...]], keep: timedelta, batch: int) -> int:
    total = 0
    while True:
        count = prune_batch(connection, keep, batch)
        total += count
        if count < batch:
            return total
        say(f"{counted(total, 'run')} so far")
