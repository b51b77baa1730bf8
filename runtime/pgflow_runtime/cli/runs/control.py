"""``pgflow-gen runs cancel | retry | hold | release | fork``: by id, or all that fit a filter."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import click
import psycopg

from pgflow_runtime.cli.common import F, actor, database, dsn_option, refusals, say
from pgflow_runtime.cli.values import read_moment
from pgflow_runtime.client.uuid7 import uuid7
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import connected, translated
from pgflow_runtime.duration import parse_duration
from pgflow_runtime.errors import UsageError
from pgflow_runtime.project import Project, find_project
from pgflow_runtime.registry import contracts
from pgflow_runtime.runs.control import CALLS, UNCHANGED, ControlCall
from pgflow_runtime.runs.reading import read_run
from pgflow_shared.text import counted

AT_ONCE = 1_000
"""Runs in one transaction; the core takes no more in a call."""


_MEANT = {"cancel": "started", "retry": "failed or cancelled", "hold": "started", "release": "held"}
"""By what is done, which runs it can be done to."""


def _filter_options(command: F) -> F:
    for option in reversed(
        [
            click.option("--flow", metavar="SLUG", help="Runs of this flow (its slug in the database)."),
            click.option(
                "--status",
                type=click.Choice(["started", "failed", "cancelled"]),
                help="Runs in this status. Default: all that it can be done to.",
            ),
            click.option("--since", metavar="DURATION", help="Runs started within this time: 90m, 12h, 30d."),
            click.option("--started-after", metavar="TIME", help="Runs started then or later (ISO 8601)."),
            click.option("--started-before", metavar="TIME", help="Runs started before then (ISO 8601)."),
            click.option("--failed-step", metavar="STEP", help="Runs that this step failed."),
            click.option("--error-contains", metavar="TEXT", help="Runs whose error holds this text."),
            click.option("--input-contains", metavar="JSON", help="Runs whose input contains this JSON."),
            click.option("--yes", is_flag=True, help="Do not ask before a filter's runs are changed."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines."),
            dsn_option,
        ]
    ):
        command = option(command)
    return command


_run_ids = click.argument("run_ids", metavar="[RUN_ID]...", type=click.UUID, nargs=-1)
_spread = click.option(
    "--spread",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Spread the tasks over this time at random, so that they do not all come at once.",
)


@click.command("cancel")
@_run_ids
@click.option("--reason", metavar="TEXT", help="Why: shown with the run, and to who waits for it.")
@_filter_options
def cancel_runs(run_ids: tuple[UUID, ...], reason: str | None, **rest: Any) -> None:
    """End started runs now, as cancelled.

    Nothing more of them is begun, and late results change nothing. Handlers that run are told: an async one
    is cancelled, any other may ask its context.
    """
    _control(CALLS["cancel"], run_ids, {"reason": reason}, **rest)


@click.command("retry")
@_run_ids
@_spread
@click.option(
    "--even-if-undone",
    is_flag=True,
    help="Also runs that were undone: what was undone is not done again. Only with RUN_ID.",
)
@_filter_options
def retry_runs(run_ids: tuple[UUID, ...], spread: float, even_if_undone: bool, **rest: Any) -> None:
    """Take failed and cancelled runs up again, in place, under the same id.

    What was completed stays; the rest is done anew, with its attempts counted afresh.
    """
    with refusals():
        if even_if_undone and not run_ids:
            raise UsageError("--even-if-undone is for runs that are named", help="give their ids")
    _control(CALLS["retry"], run_ids, {"spread": spread, "even_if_undone": even_if_undone}, **rest)


@click.command("hold")
@_run_ids
@_filter_options
def hold_runs(run_ids: tuple[UUID, ...], **rest: Any) -> None:
    """Begin nothing more of started runs until they are released. What is being done ends as always."""
    _control(CALLS["hold"], run_ids, {}, **rest)


@click.command("release")
@_run_ids
@_spread
@_filter_options
def release_runs(run_ids: tuple[UUID, ...], spread: float, **rest: Any) -> None:
    """Let held runs go on."""
    _control(CALLS["release"], run_ids, {"spread": spread}, **rest)


@click.command("fork")
@click.argument("run_id", type=click.UUID)
@click.option(
    "--from",
    "from_steps",
    metavar="STEP",
    multiple=True,
    required=True,
    help="Do this step anew, and all that follow it; may be given more than once.",
)
@click.option("--input", "text", metavar="JSON", help="Another input than the run's.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of the new run's id.")
@dsn_option
def fork_run(
    run_id: UUID, from_steps: tuple[str, ...], text: str | None, as_json: bool, dsn: str | None
) -> None:
    """Start a new run from a step of an old one, and print its id.

    What does not come after the named steps and was completed or skipped is taken over as it is.
    """
    with refusals():
        project = find_project()
        with _connection(dsn, project) as connection:
            flow_slug = read_run(connection, run_id).run.flow_slug
            values = {
                "run_id": run_id,
                "from_steps": list(from_steps),
                "input": None if text is None else _checked_input(project, flow_slug, text),
                "new_run_id": uuid7(),
                "actor": actor(),
            }
            with translated():
                row = connection.execute(queries.FORK_RUN, values).fetchone()
            assert row is not None
    click.echo(json.dumps({"run_id": str(row[0]), "forked_from": str(run_id)}) if as_json else str(row[0]))


def _checked_input(project: Project, flow_slug: str, text: str) -> str:
    """The input as JSON; held against the flow's types where this project has the flow."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--input is no JSON: {error}") from None
    known = next((found for found in contracts(project) if found.slug == flow_slug), None)
    if known is not None:
        known.check_input(value)
    return text


def _control(
    action: ControlCall,
    run_ids: Sequence[UUID],
    arguments: Mapping[str, object],
    *,
    yes: bool,
    as_json: bool,
    dsn: str | None,
    **given: str | None,
) -> None:
    with refusals():
        filter = _filter(given)
        if run_ids and filter:
            raise UsageError("run ids name runs, and the options choose them", help="give one of the two")
        if not run_ids and not filter:
            raise UsageError(
                f"say which runs to {action.name}",
                help="give their ids, or --flow, --status, --since... for all that fit",
            )
        with _connection(dsn, find_project()) as connection:
            values = {**arguments, "actor": actor()}
            if run_ids:
                _by_id(connection, action, run_ids, values, as_json)
            else:
                _by_filter(connection, action, filter, values, yes, as_json)


def _filter(given: Mapping[str, str | None]) -> dict[str, Any]:
    """The filter as the core reads it. Raises UsageError."""
    found: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    since = found.pop("since", None)
    if since is not None:
        if "started_after" in found:
            raise UsageError("--since and --started-after say the same", help="give one of the two")
        found["started_after"] = (datetime.now().astimezone() - parse_duration(since)).isoformat()
    for name in ("started_after", "started_before"):
        if name in found:
            found[name] = read_moment(f"--{name.replace('_', '-')}", found[name]).isoformat()
    if "input_contains" in found:
        try:
            found["input_contains"] = json.loads(found["input_contains"])
        except ValueError as error:
            raise UsageError(f"--input-contains is no JSON: {error}") from None
    return found


def _by_id(
    connection: psycopg.Connection[Any],
    action: ControlCall,
    run_ids: Sequence[UUID],
    values: Mapping[str, object],
    as_json: bool,
) -> None:
    outcomes: dict[UUID, str] = {}
    with translated():
        for start in range(0, len(run_ids), AT_ONCE):
            part = {**values, "run_ids": list(run_ids[start : start + AT_ONCE])}
            outcomes.update(connection.execute(action.by_id, part).fetchall())
    if as_json:
        rows = [{"run_id": str(run_id), "outcome": outcome} for run_id, outcome in outcomes.items()]
        click.echo(json.dumps(rows, indent=2))
    else:
        for run_id, outcome in outcomes.items():
            if outcome == action.done:
                click.echo(f"{action.done} {run_id}")
            else:
                say(f"run {run_id} {UNCHANGED.get(outcome, outcome.replace('_', ' '))}: nothing to do")
    if "no_such_run" in outcomes.values():
        raise click.exceptions.Exit(1)


def _by_filter(
    connection: psycopg.Connection[Any],
    action: ControlCall,
    filter: dict[str, Any],
    values: Mapping[str, object],
    yes: bool,
    as_json: bool,
) -> None:
    if "started_before" not in filter:  # what starts while this goes on is not meant
        with translated():
            row = connection.execute(queries.NOW).fetchone()
        filter["started_before"] = None if row is None else row[0].isoformat()
    whole = {**values, "filter": json.dumps(filter)}
    count = _count(connection, action, filter)
    if not count:
        _print_changed(action, 0, as_json)
        return
    if not yes:
        _ask(f"{action.name} {counted(count, 'run')}?")
    changed, after_id = 0, None
    while True:
        with translated():
            row = connection.execute(action.by_filter, {**whole, "after_id": after_id}).fetchone()
        part, after_id = row if row is not None else (0, None)
        changed += part
        if after_id is None:
            break
        say(f"{action.done} {changed:,} of {count:,} runs so far")
    _print_changed(action, changed, as_json)


def _count(connection: psycopg.Connection[Any], action: ControlCall, filter: Mapping[str, Any]) -> int:
    """How many runs fit, of those it can be done to."""
    values = {"filter": json.dumps(filter), "action": action.name}
    with translated():
        row = connection.execute(queries.COUNT_WHERE, values).fetchone()
    return 0 if row is None else int(row[0])


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask", help="add --yes")
    click.confirm(question, abort=True, err=True)


def _print_changed(action: ControlCall, changed: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({action.done: changed}))
    elif changed:
        click.echo(f"{action.done} {counted(changed, 'run')}")
    else:
        say(f"no run to {action.name}: none that is {_MEANT[action.name]} fits")


@contextmanager
def _connection(dsn: str | None, project: Project) -> Iterator[psycopg.Connection[Any]]:
    with database(dsn, project) as conninfo, connected(conninfo, autocommit=True) as connection:
        yield connection
