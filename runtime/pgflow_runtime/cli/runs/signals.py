"""``pgflow-gen runs send | waiting``: answer runs that wait for somebody, and see who does."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import click
import psycopg

from pgflow_runtime.cli.common import database, dsn_option, flow_option, print_rows, refusals, rows_of, say
from pgflow_runtime.cli.values import TakesNumbers, read_value
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import connected, translated
from pgflow_runtime.project import Project, find_project
from pgflow_runtime.registry import contracts
from pgflow_runtime.runs.reading import read_run
from pgflow_runtime.runs.signals import NOT_SENT, SENT
from pgflow_runtime.terminal.text_view import waiting_lines


@click.command("send", cls=TakesNumbers)
@click.argument("run_id", type=click.UUID)
@click.argument("step")
@click.argument("payload", metavar="[JSON|@FILE|-]", required=False)
@click.option(
    "--dedupe",
    metavar="MARK",
    help="Sends once, however often it is said: a second signal of this mark to the step changes nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a line.")
@dsn_option
def send_signal(
    run_id: UUID, step: str, payload: str | None, dedupe: str | None, as_json: bool, dsn: str | None
) -> None:
    """Send a signal to STEP of a run; without a payload: null.

    JSON is the payload itself, @FILE a file that holds it, - means stdin. It is held against the signal's
    type where this project has the flow. Exit code 1 if nobody waits for it, now or later.
    """
    with refusals():
        value = read_value(payload, "the payload")
        project = find_project()
        with database(dsn, project) as conninfo, connected(conninfo, autocommit=True) as connection:
            text = _encoded(project, read_run(connection, run_id).run.flow_slug, step, value)
            outcome = _send(connection, run_id, step, text, dedupe)
    if as_json:
        click.echo(json.dumps({"run_id": str(run_id), "step_slug": step, "outcome": outcome}))
    elif outcome in SENT:
        click.echo(f"{outcome}: {SENT[outcome]}")
    else:
        say(f"nothing was sent to '{step}' of run {run_id}: {NOT_SENT.get(outcome, outcome)}")
    if outcome not in (*SENT, "duplicate"):
        raise click.exceptions.Exit(1)


def _encoded(project: Project, flow_slug: str, step: str, value: object) -> str:
    """The payload as JSON; held against the signal's type where this project has the flow."""
    known = next((found for found in contracts(project) if found.slug == flow_slug), None)
    return json.dumps(value) if known is None else known.signal(step).encode_payload(value)


def _send(connection: psycopg.Connection[Any], run_id: UUID, step: str, text: str, dedupe: str | None) -> str:
    values = {"run_ids": [run_id], "step_slugs": [step], "payloads": [text], "dedupes": [dedupe]}
    with translated():
        row = connection.execute(queries.SEND_SIGNALS, values).fetchone()
    assert row is not None
    outcome: str = row[0]
    return outcome


@click.command("waiting")
@flow_option
@click.option("--step", metavar="SLUG", help="Only this signal.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@dsn_option
def waiting_runs(flow: str | None, step: str | None, limit: int, as_json: bool, dsn: str | None) -> None:
    """List runs that wait for somebody, those that wait longest first."""
    values = {
        "flow_slug": flow,
        "step_slug": step,
        "limit": limit,
        "after_since": None,
        "after_run_id": None,
        "after_step_slug": None,
    }
    with refusals(), database(dsn, find_project()) as conninfo, connected(conninfo) as connection:
        rows = rows_of(connection, queries.LIST_WAITING, values)
    print_rows(rows, as_json, none="no run waits for anybody", draw=_draw, lines=waiting_lines)


def _draw(rows: list[dict[str, Any]]) -> None:
    from pgflow_runtime.terminal.rich_view import console, show_waiting

    show_waiting(console(sys.stdout), rows, datetime.now().astimezone())
