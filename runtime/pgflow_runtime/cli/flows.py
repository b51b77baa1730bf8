"""``pgflow-gen flows pause | resume``: stop a flow's tasks from being begun, and let them go on."""

from __future__ import annotations

import json
from typing import LiteralString

import click

from pgflow_runtime.cli.common import actor, database, dsn_option, refusals, say
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import connected, translated
from pgflow_runtime.project import find_project

_slugs = click.argument("slugs", metavar="SLUG...", nargs=-1, required=True)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of lines.")


@click.group()
def flows() -> None:
    """Pause flows, and let them go on."""


@flows.command()
@_slugs
@_as_json
@dsn_option
def pause(slugs: tuple[str, ...], as_json: bool, dsn: str | None) -> None:
    """Begin no more tasks of these flows. Runs can be started, and wait; what is at work ends as always."""
    _change(queries.PAUSE_FLOW, slugs, as_json, dsn, "paused", "was paused before")


@flows.command()
@_slugs
@_as_json
@dsn_option
def resume(slugs: tuple[str, ...], as_json: bool, dsn: str | None) -> None:
    """Let paused flows go on."""
    _change(queries.RESUME_FLOW, slugs, as_json, dsn, "resumed", "is not paused")


def _change(
    statement: LiteralString, slugs: tuple[str, ...], as_json: bool, dsn: str | None, done: str, in_vain: str
) -> None:
    with (
        refusals(),
        database(dsn, find_project()) as conninfo,
        connected(conninfo) as connection,
        translated(),
    ):
        changed = {}
        for slug in slugs:
            row = connection.execute(statement, {"flow_slug": slug, "actor": actor()}).fetchone()
            changed[slug] = row is not None and bool(row[0])
    if as_json:
        click.echo(json.dumps({slug: done if has_changed else None for slug, has_changed in changed.items()}))
        return
    for slug, has_changed in changed.items():
        if has_changed:
            click.echo(f"{done} {slug}")
        else:
            say(f"flow '{slug}' {in_vain}")
