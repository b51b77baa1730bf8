"""``pgflow-gen runs``: look at runs, and change their course."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import click
import psycopg

from pgflow_runtime.cli.common import (
    database,
    dsn_option,
    flow_option,
    print_rows,
    refusals,
    rows_of,
    say,
    worker_command,
)
from pgflow_runtime.cli.runs.control import cancel_runs, fork_run, hold_runs, release_runs, retry_runs
from pgflow_runtime.cli.runs.export import export_runs
from pgflow_runtime.cli.runs.signals import send_signal, waiting_runs
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import connected
from pgflow_runtime.duration import parse_duration
from pgflow_runtime.errors import RunNotFound, UsageError
from pgflow_runtime.project import find_project
from pgflow_runtime.runs.documents import shown
from pgflow_runtime.runs.reading import TaskCounts, complete, read_document, read_shape, read_tree
from pgflow_runtime.terminal.follow import Follower
from pgflow_runtime.terminal.live_view import watch_json, watch_lines, watch_live
from pgflow_runtime.terminal.output import shows_pictures
from pgflow_runtime.terminal.text_view import failed_lines, node_lines, reading_lines, run_lines
from pgflow_shared.options import MAX_DEPTH
from pgflow_shared.statuses import RUN_STATUSES

limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most."
)


@click.group()
def runs() -> None:
    """Look at runs, answer those that wait, cancel and retry them, export what they were like."""


for _command in (
    cancel_runs,
    retry_runs,
    hold_runs,
    release_runs,
    fork_run,
    send_signal,
    waiting_runs,
    export_runs,
):
    runs.add_command(_command)


@runs.command("list")
@flow_option
@click.option("--status", type=click.Choice(RUN_STATUSES), help="Only runs in this status.")
@limit_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@dsn_option
def list_runs(flow: str | None, status: str | None, limit: int, as_json: bool, dsn: str | None) -> None:
    """List runs, the latest first."""
    values = {"flow_slug": flow, "status": status, "limit": limit}
    with refusals(), _connection(dsn) as connection:
        rows = rows_of(connection, queries.LIST_RUNS, values)
    _print_list(rows, as_json, failed=False)


@runs.command("failed")
@flow_option
@click.option("--since", metavar="DURATION", help="Only runs that failed within this time: 90m, 12h, 30d.")
@limit_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@dsn_option
def failed_runs(flow: str | None, since: str | None, limit: int, as_json: bool, dsn: str | None) -> None:
    """List failed runs with the step that failed them and its message, the latest first.

    'runs show RUN_ID' has the whole message with the end of its traceback.
    """
    with refusals():
        passed = parse_duration(since) if since is not None else None
        moment = datetime.now().astimezone() - passed if passed is not None else None
        with _connection(dsn) as connection:
            values = {"flow_slug": flow, "limit": limit, "since": moment}
            rows = rows_of(connection, queries.LIST_FAILED, values)
    _print_list(rows, as_json, failed=True)


@runs.command("show")
@click.argument("run_id", type=click.UUID)
@click.option(
    "--depth",
    type=click.IntRange(0, MAX_DEPTH),
    default=1,
    show_default=True,
    help="How many levels of the runs that its steps have started.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the run, its steps and tasks as JSON.")
@dsn_option
def show_run(run_id: UUID, depth: int, as_json: bool, dsn: str | None) -> None:
    """Show a run, its steps and its output, or the task that failed it.

    Below a step that starts runs of another flow stand the first ten of them, below all what its end has
    started; 'runs tree RUN_ID' has more.
    """
    from pgflow_runtime.runs.snapshot import RunSnapshot

    with refusals(), _connection(dsn) as connection:
        document = read_document(connection, run_id, whole=as_json)
        run = RunSnapshot.read(document)
        reading = complete(connection, run, read_shape(connection, run.flow_slug), depth=depth)
    if as_json:
        for row in document["steps"]:
            if run.is_final and row["status"] == "started":
                row["status"] = "cancelled"
        document["run"] = {name: shown(value) for name, value in document["run"].items()}
        document["steps"] = [{name: shown(value) for name, value in row.items()} for row in document["steps"]]
        document["tasks"] = {slug: _counts(counts) for slug, counts in reading.tasks.items()}
        document["children"] = {
            slug: {"runs": [node.document for node in found.nodes], "has_more": found.has_more}
            for slug, found in reading.children.items()
        }
        document["companions"] = [node.document for node in reading.companions]
        document["failure"] = asdict(reading.failure) if reading.failure is not None else None
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    now = datetime.now().astimezone()
    if shows_pictures(sys.stdout):
        from pgflow_runtime.terminal.rich_view import console, show_reading

        show_reading(console(sys.stdout), reading, now)
        return
    for line in reading_lines(reading, now):
        click.echo(line)


@runs.command("tree")
@click.argument("run_id", type=click.UUID)
@click.option(
    "--depth",
    type=click.IntRange(1, MAX_DEPTH),
    default=MAX_DEPTH,
    show_default=True,
    help="How many levels below the run.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="How many children of each run at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the tree as JSON.")
@dsn_option
def show_tree(run_id: UUID, depth: int, limit: int, as_json: bool, dsn: str | None) -> None:
    """Show the runs that a run has brought about: of its steps, of its ends, and theirs."""
    with refusals(), _connection(dsn) as connection:
        root = read_tree(connection, run_id, depth, limit)
    if as_json:
        click.echo(json.dumps(root.document, indent=2, ensure_ascii=False))
        return
    now = datetime.now().astimezone()
    if shows_pictures(sys.stdout):
        from pgflow_runtime.terminal.rich_view import console, show_nodes

        show_nodes(console(sys.stdout), root, now)
        return
    for line in node_lines(root, now):
        click.echo(line)


@runs.command("watch")
@click.argument("run_id", type=click.UUID, required=False)
@click.option("--latest", is_flag=True, help="The run that was started last.")
@click.option("--flow", metavar="SLUG", help="The latest run of this flow (its slug in the database).")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Give up watching after this time (the run goes on). Default: never.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each event, one a line.")
@dsn_option
def watch_run(
    run_id: UUID | None, latest: bool, flow: str | None, timeout: float | None, as_json: bool, dsn: str | None
) -> None:
    """Follow a run until it ends. Exit code 0 if it completed, 1 if it failed or was cancelled.

    In a terminal its steps are a picture that is kept up to date; elsewhere each event is a line. What
    happened before is told too. Ctrl-C ends the watching, not the run.
    """
    with refusals():
        if (run_id is None) == (not latest and flow is None):
            raise UsageError(
                "name one run"
                if run_id is None
                else "--latest and --flow choose a run, and RUN_ID names one",
                help="give its id, or --latest, or --flow SLUG for the latest of a flow",
            )
        with database(dsn, find_project()) as conninfo:
            if run_id is None:
                with connected(conninfo) as connection:
                    run_id = _latest(connection, flow)
            command_of = worker_command(find_project(), dsn)
            reading = _watch(Follower(conninfo, run_id, timeout, command_of, whole=as_json), as_json)
    if reading.run.status != "completed":
        raise click.exceptions.Exit(1)


def _watch(follower: Follower, as_json: bool) -> Any:
    if as_json:
        return watch_json(follower, click.echo, say)
    if shows_pictures(sys.stdout):
        from pgflow_runtime.terminal.rich_view import console

        return watch_live(follower, console(sys.stdout))
    return watch_lines(follower, click.echo)


def _latest(connection: psycopg.Connection[Any], flow: str | None) -> UUID:
    values = {"flow_slug": flow, "status": None, "limit": 1}
    row = connection.execute(queries.LIST_RUNS, values).fetchone()
    if row is None:
        where = f" of flow '{flow}'" if flow is not None else ""
        raise RunNotFound(f"there are no runs{where} in this database")
    found: UUID = row[0]
    return found


def _counts(counts: TaskCounts) -> dict[str, Any]:
    due_at = counts.due_at.isoformat() if counts.due_at is not None else None
    return {**asdict(counts), "due_at": due_at}


@contextmanager
def _connection(dsn: str | None) -> Iterator[psycopg.Connection[Any]]:
    with database(dsn, find_project()) as conninfo, connected(conninfo) as connection:
        yield connection


def _print_list(rows: list[dict[str, Any]], as_json: bool, *, failed: bool) -> None:
    def draw(rows: list[dict[str, Any]]) -> None:
        from pgflow_runtime.terminal.rich_view import console, show_failed, show_runs

        show = show_failed if failed else show_runs
        show(console(sys.stdout), rows, datetime.now().astimezone())

    lines = failed_lines if failed else run_lines
    print_rows(rows, as_json, none="there are no such runs", draw=draw, lines=lines)
