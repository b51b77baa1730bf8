"""``pgflow-gen runs``: look at runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from psycopg.rows import dict_row

from pgflow_runtime import queries
from pgflow_runtime.cli.common import database, dsn_option, refusals, say
from pgflow_runtime.errors import RunNotFound
from pgflow_runtime.project import find_project
from pgflow_runtime.snapshot import RunSnapshot, StepSnapshot
from pgflow_runtime.store import connected


@click.group()
def runs() -> None:
    """Look at runs."""


@runs.command("list")
@click.option("--flow", metavar="SLUG", help="Only runs of this flow (its slug in the database).")
@click.option(
    "--status", type=click.Choice(["started", "completed", "failed"]), help="Only runs in this status."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@dsn_option
def list_runs(flow: str | None, status: str | None, limit: int, as_json: bool, dsn: str | None) -> None:
    """List runs, the latest first."""
    values = {"flow_slug": flow, "status": status, "limit": limit}
    with (
        refusals(),
        database(dsn, find_project()) as conninfo,
        connected(conninfo, row_factory=dict_row) as connection,
    ):
        rows = connection.execute(queries.LIST_RUNS, values).fetchall()
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    for row in rows:
        seconds = _seconds(row["started_at"], row["ended_at"])
        started = row["started_at"].astimezone().strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"{row['run_id']}  {started}  {row['status']:<9}  {seconds:>9}  {row['flow_slug']}")
    if not rows:
        say("there are no such runs")


@runs.command("show")
@click.argument("run_id", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print the run and its steps as the database has them.")
@dsn_option
def show_run(run_id: UUID, as_json: bool, dsn: str | None) -> None:
    """Show a run, its steps and its output."""
    with (
        refusals(),
        database(dsn, find_project()) as conninfo,
        connected(conninfo, row_factory=dict_row) as connection,
    ):
        row = connection.execute(queries.GET_RUNS, {"run_ids": [run_id]}).fetchone()
        document = row["get_run_with_states"] if row else None
        if document is None:
            raise RunNotFound(f"there is no run {run_id} in this database")
        tasks = connection.execute(queries.COUNT_TASKS, {"run_id": run_id}).fetchall()
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    _print(RunSnapshot.read(document), {str(task["step_slug"]): task for task in tasks})


def _print(run: RunSnapshot, tasks: Mapping[str, Mapping[str, Any]]) -> None:
    ended = run.completed_at or run.failed_at
    click.echo(f"run     {run.run_id}")
    click.echo(f"flow    {run.flow_slug}")
    click.echo(f"status  {run.status}, {_seconds(run.started_at, ended)}")
    message = run.error_message or (run.failed_step.error_message if run.failed_step else None)
    if message:
        click.echo(f"error   {message}")
    steps = sorted((run.steps or {}).values(), key=_moment)
    width = max((len(step.step_slug) for step in steps), default=0)
    for step in steps:
        details = _details(step, tasks.get(step.step_slug))
        click.echo(f"  {step.step_slug:<{width}}  {step.status:<9}  {details}".rstrip())
    if run.status == "completed":
        click.echo(f"output  {json.dumps(run.output, ensure_ascii=False)}")


def _details(step: StepSnapshot, tasks: Mapping[str, Any] | None) -> str:
    parts = []
    if tasks is not None:
        parts.append(f"{tasks['completed']}/{tasks['total']} tasks, {tasks['attempts']} attempts")
    if step.skip_reason:
        parts.append(step.skip_reason)
    if step.error_message:
        parts.append(" ".join(step.error_message.split())[:200])
    return "; ".join(parts)


def _moment(step: StepSnapshot) -> tuple[bool, float, str]:
    at = step.started_at or step.completed_at or step.skipped_at or step.failed_at
    return at is None, at.timestamp() if at else 0.0, step.step_slug


def _seconds(start: datetime, end: datetime | None) -> str:
    return f"{(end - start).total_seconds():.3f} s" if end is not None else "running"
