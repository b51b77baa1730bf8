"""``pgflow-gen start FLOW JSON``: start a run from the command line."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
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
from pgflow_runtime.client import ClientBase, Run
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.contract.catalogue import find_contract
from pgflow_runtime.database.store import connected
from pgflow_runtime.errors import RunFailed, UnreadableValue, UsageError, WaitTimeout
from pgflow_runtime.project import find_project
from pgflow_runtime.runs.documents import shown, written_value
from pgflow_runtime.terminal.follow import Follower
from pgflow_runtime.terminal.lonely import PATIENCE, CommandOf, lonely_note
from pgflow_runtime.terminal.output import shows_pictures
from pgflow_shared.files import NotText, decode_text, read_text


class _TakesNumbers(click.Command):
    """A negative number is an input and no option: JSON allows the blank that tells click so."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {arg}" if re.match(r"-\d", arg) else arg for arg in args])


@click.command(cls=_TakesNumbers)
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object about the run.")
@dsn_option
@generated_option
def start(
    flow: str,
    input: str | None,
    wait: bool,
    timeout: float | None,
    run_id: UUID | None,
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
        project = find_project(generated=generated)
        contract = find_contract(project, flow)
        value = _read(input)
        contract.check_input(value)
        with database(dsn, project) as conninfo, ClientBase.connect(conninfo) as client:
            run = _start(client, contract, value, run_id)
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


def _start(client: ClientBase, contract: FlowContract, value: object, run_id: UUID | None) -> Run[Any]:
    run_type = type("CommandRun", (Run,), {"contract": contract})
    run: Run[Any] = client._start(run_type, value, run_id)
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
        "output": _output(run),
        "error_message": run.error_message,
    }
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _output(run: Run[Any]) -> Any:
    try:
        return run.output
    except UnreadableValue as error:
        return shown(error)


def _read(text: str | None) -> Any:
    """The input's value. Raises UsageError for what is no JSON."""
    if text is None:
        return None
    source, written = "the input", text
    try:
        if text == "-":
            source, written = "stdin", decode_text(sys.stdin.buffer.read())
        elif text.startswith("@"):
            source = text[1:]
            written = read_text(Path(source))
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    except NotText as error:
        raise UsageError(f"{source} cannot be read: {error}") from error
    hint = None if source != "the input" else "quote it for the shell: '{\"key\": 1}', or use @FILE or -"
    return written_value(written, source, hint)
