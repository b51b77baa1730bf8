"""``pgflow-gen start FLOW JSON``: start a run from the command line."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from pgflow_runtime.cli.common import (
    database,
    dsn_option,
    generated_option,
    refusals,
    say,
    worker_command,
)
from pgflow_runtime.cli.values import TakesNumbers, read_moment, read_value
from pgflow_runtime.client import ClientBase, Run
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.contract.catalogue import find_contract
from pgflow_runtime.database.store import connected
from pgflow_runtime.errors import RunFailed, UnreadableValue, UsageError, WaitTimeout
from pgflow_runtime.project import find_project
from pgflow_runtime.runs.documents import shown
from pgflow_runtime.terminal.follow import Follower
from pgflow_runtime.terminal.lonely import PATIENCE, CommandOf, lonely_note
from pgflow_runtime.terminal.output import shows_pictures
from pgflow_runtime.terminal.words import clock


@click.command(cls=TakesNumbers)
@click.argument("flow")
@click.argument("input", metavar="[JSON|@FILE|-]", required=False)
@click.option(
    "--wait", is_flag=True, help="Wait for the run's end and print its output; exit 1 if it failed."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=None,
    metavar="SECONDS",
    help="With --wait: give up waiting after this time (the run goes on). Default: wait for ever.",
)
@click.option("--run-id", type=click.UUID, help="The run's id; starting the same again returns the same run.")
@click.option(
    "--at",
    "start_at",
    metavar="TIME",
    help="Begin the run then, not at once: 2026-03-01T12:30 (local time) or with an offset, as +01:00 or Z.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object about the run.")
@dsn_option
@generated_option
def start(
    flow: str,
    input: str | None,
    wait: bool,
    timeout: float | None,
    run_id: UUID | None,
    start_at: str | None,
    as_json: bool,
    dsn: str | None,
    generated: str | None,
) -> None:
    """Start a run of FLOW. The input is held against the flow's types before the database hears of it.

    JSON is the input itself, @FILE a file that holds it, - means stdin; a flow without input takes none.
    """
    with refusals():
        if timeout is not None and not wait:
            raise UsageError("--timeout has no meaning without --wait")
        at = None if start_at is None else read_moment("--at", start_at)
        project = find_project(generated=generated)
        contract = find_contract(project, flow)
        if (owner := contract.companion_of) is not None:
            raise UsageError(
                f"flow {contract.slug!r} is started by the core, when a run of {owner!r} has ended",
                help=f"start a run of {owner!r}",
            )
        value = read_value(input, "the input")
        contract.check_input(value)
        with database(dsn, project) as conninfo, ClientBase.connect(conninfo) as client:
            run = _start(client, contract, value, run_id, at)
            if run.begins_at is not None:
                say(f"the run is to begin at {clock(run.begins_at)}")
            if wait:
                say(f"started run {run.run_id} of flow '{run.flow_slug}'")
                command_of = worker_command(project, dsn)
                if shows_pictures(sys.stderr):
                    _watch(Follower(conninfo, run.run_id, timeout, command_of), as_json)
                else:
                    timeout = _wait_a_little(conninfo, run, timeout, command_of)
                _wait(run, timeout, as_json)
                return
    _print(run, as_json)


def _start(
    client: ClientBase, contract: FlowContract, value: object, run_id: UUID | None, at: datetime | None
) -> Run[Any]:
    run_type = type("CommandRun", (Run,), {"contract": contract})
    run: Run[Any] = client._start(run_type, value, run_id, at)
    return run


def _wait_a_little(
    conninfo: str, run: Run[Any], timeout: float | None, command_of: CommandOf
) -> float | None:
    """Say so when nobody works on the run after a while; returns what is left of the time."""
    if timeout is not None and timeout <= PATIENCE:
        return timeout
    try:
        run.wait_for(timeout=PATIENCE)
    except WaitTimeout:
        with connected(conninfo) as connection:
            note = lonely_note(connection, run.flow_slug, command_of)
        if note is not None:
            say(f"note: {note}")
    return None if timeout is None else timeout - PATIENCE


def _watch(follower: Follower, as_json: bool) -> None:
    """In a terminal: show how the run comes along, on stderr, until it ends or the time is over.

    A failed run has then been told of in full, and ends the command.
    """
    from pgflow_runtime.terminal.live_view import watch_live
    from pgflow_runtime.terminal.rich_view import console

    reading = watch_live(follower, console(sys.stderr))
    if reading.run.status == "failed" and not as_json:
        raise click.exceptions.Exit(1)


def _wait(run: Run[Any], timeout: float | None, as_json: bool) -> None:
    try:
        output = run.result(timeout)
    except RunFailed:
        if as_json:
            _print(run, as_json)
        raise
    if as_json:
        _print(run, as_json)
    else:
        click.echo(json.dumps(output, indent=2, ensure_ascii=False))


def _print(run: Run[Any], as_json: bool) -> None:
    if not as_json:
        click.echo(str(run.run_id))
        return
    found = {
        "run_id": str(run.run_id),
        "flow_slug": run.flow_slug,
        "status": run.status,
        "begins_at": run.begins_at.isoformat() if run.begins_at is not None else None,
        "output": _output(run),
        "error_message": run.error_message,
    }
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _output(run: Run[Any]) -> Any:
    try:
        return run.output
    except UnreadableValue as error:
        return shown(error)
