"""``pgflow-gen schedules list | pause | resume | fire``: runs that start by the clock."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any, LiteralString

import click

from pgflow_runtime.cli.common import actor, database, dsn_option, print_rows, refusals, rows_of, say
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import connected, translated
from pgflow_runtime.project import find_project
from pgflow_runtime.terminal.text_view import schedule_lines

_flow = click.argument("flow", metavar="FLOW")
_slug = click.argument("slug", metavar="SLUG")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a line.")


@click.group()
def schedules() -> None:
    """See, pause and fire schedules: runs that start by the clock."""


@schedules.command("list")
@click.option("--flow", metavar="SLUG", help="Only schedules of this flow, in any of its versions.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@dsn_option
def list_schedules(flow: str | None, as_json: bool, dsn: str | None) -> None:
    """List schedules with their last and their next fire."""
    with refusals(), database(dsn, find_project()) as conninfo, connected(conninfo) as connection:
        rows = rows_of(connection, queries.LIST_SCHEDULES, {"flow_slug": flow})
    print_rows(rows, as_json, none="there are no schedules", draw=_draw, lines=schedule_lines)


def _draw(rows: list[dict[str, Any]]) -> None:
    from pgflow_runtime.terminal.rich_view import console, show_schedules

    show_schedules(console(sys.stdout), rows, datetime.now().astimezone())


@schedules.command()
@_flow
@_slug
@_as_json
@dsn_option
def pause(flow: str, slug: str, as_json: bool, dsn: str | None) -> None:
    """Let a schedule fire no more. What it misses is not caught up on; its runs go on."""
    _change(queries.PAUSE_SCHEDULE, flow, slug, as_json, dsn, "paused", "was paused before")


@schedules.command()
@_flow
@_slug
@_as_json
@dsn_option
def resume(flow: str, slug: str, as_json: bool, dsn: str | None) -> None:
    """Let a paused schedule fire again, from now on."""
    _change(queries.RESUME_SCHEDULE, flow, slug, as_json, dsn, "resumed", "is not paused")


@schedules.command()
@_flow
@_slug
@_as_json
@dsn_option
def fire(flow: str, slug: str, as_json: bool, dsn: str | None) -> None:
    """Start a run of a schedule now, also of a paused one; when it fires next stays as it is."""
    run_id = str(_call(queries.FIRE_SCHEDULE, flow, slug, dsn))
    click.echo(json.dumps({"run_id": run_id}) if as_json else run_id)


def _change(
    statement: LiteralString, flow: str, slug: str, as_json: bool, dsn: str | None, done: str, in_vain: str
) -> None:
    has_changed = bool(_call(statement, flow, slug, dsn))
    if as_json:
        click.echo(json.dumps({"schedule": slug, "outcome": done if has_changed else None}))
    elif has_changed:
        click.echo(f"{done} {slug}")
    else:
        say(f"schedule '{slug}' of flow '{flow}' {in_vain}")


def _call(statement: LiteralString, flow: str, slug: str, dsn: str | None) -> Any:
    values = {"flow_slug": flow, "schedule_slug": slug, "actor": actor()}
    with (
        refusals(),
        database(dsn, find_project()) as conninfo,
        connected(conninfo) as connection,
        translated(),
    ):
        row = connection.execute(statement, values).fetchone()
    return None if row is None else row[0]
