"""``pgflow-gen replay``: today's handlers on what was recorded, and what differs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import click
import psycopg

from pgflow_runtime.cli.common import dsn_option, refusals, say
from pgflow_runtime.cli.runs.export import MOST_BYTES, known_flows
from pgflow_runtime.cli.runs.failed import check_choice, failed_options, failed_runs, reading
from pgflow_runtime.database.store import translated
from pgflow_runtime.dsl import Flow
from pgflow_runtime.dsl.resource import close_resources
from pgflow_runtime.errors import PgflowError, UsageError
from pgflow_runtime.project import Project, find_project
from pgflow_runtime.registry import contracts, find_flow
from pgflow_runtime.terminal.words import one_line, printable
from pgflow_runtime.testing.recordings.export import recording
from pgflow_runtime.testing.recordings.reading import Recording, read_recordings, recordings_of
from pgflow_runtime.testing.recordings.redaction import Redaction
from pgflow_runtime.testing.recordings.writing import bounded
from pgflow_runtime.testing.replay.differences import error_in_words
from pgflow_runtime.testing.replay.replaying import Replay, replay
from pgflow_shared.text import counted

MOST_SHOWN = 20
"""Differences of one run that are shown; --json has all."""
TOLD_EVERY = 5.0
"""Seconds between two words on how far it has come."""


@click.command(
    "replay",
    epilog="Exit codes: 0 as recorded, 1 something differs or nothing could be replayed, 2 usage.",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--step",
    "steps",
    metavar="STEP",
    multiple=True,
    help="Call the handler of this step only; may be repeated.",
)
@failed_options("All failed runs of a database, instead of a file's.", 1000)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@dsn_option
def replay_command(
    file: Path | None,
    steps: tuple[str, ...],
    failed: bool,
    flow: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
    dsn: str | None,
) -> None:
    """Call today's handlers with what was recorded of a run, and say what they do otherwise.

    FILE is what 'runs export' wrote. Each task that had ended is begun once, as its last attempt, on the
    recorded values; nothing is written to a database.

    HANDLERS REALLY RUN: what they send or write elsewhere is sent and written again. --step chooses whose.
    ctx.env is this process's environment. There is no connection: a handler that asks for ctx.conn() is
    passed over.
    """
    with refusals():
        check_choice(file is not None, failed, flow, since, by="a file of `runs export`")
        project = find_project()
        if failed:
            with reading(dsn, project, autocommit=True) as connection:
                run_ids = failed_runs(connection, flow, since, limit)
                replays = _replayed(_recorded(connection, project, run_ids), project, steps)
        else:
            assert file is not None
            replays = _replayed(iter(read_recordings(file)), project, steps)
    if as_json:
        click.echo(json.dumps(_document(replays), indent=2, ensure_ascii=False))
    else:
        _print(replays, is_summary=failed)
    if any(each.verdict == "differs" for each in replays) or not any(each.called for each in replays):
        raise click.exceptions.Exit(1)


# -- the runs ---------------------------------------------------------------------------------------------


def _recorded(
    connection: psycopg.Connection[Any], project: Project, run_ids: Sequence[UUID]
) -> Iterator[Recording]:
    """One after the other, as they are asked for."""
    known = known_flows(project)
    told = monotonic()
    for number, run_id in enumerate(run_ids):
        if monotonic() - told > TOLD_EVERY:
            told = monotonic()
            say(f"{number:,} of {len(run_ids):,} runs so far")
        try:
            with translated(), connection.transaction():
                pieces = recording(connection, [run_id], Redaction(), known)
                text = "".join(bounded(pieces, MOST_BYTES))
            yield from recordings_of(text, f"run {run_id}")
        except PgflowError as error:
            say(f"note: run {run_id} is left out: {error}")


def _replayed(runs: Iterator[Recording], project: Project, steps: tuple[str, ...]) -> list[Replay]:
    project.put_on_path()
    find = _finder(project)

    async def all_of_them() -> list[Replay]:
        try:
            return [await replay(run, find, steps) for run in runs]
        finally:
            await close_resources()

    with redirect_stdout(sys.stderr):  # what handlers print is no part of the answer
        return asyncio.run(all_of_them())


def _finder(project: Project) -> Callable[[str], Flow[Any]]:
    names = {contract.slug: contract.flow for contract in contracts(project)}

    @cache
    def find(slug: str) -> Flow[Any]:
        if slug not in names:
            raise UsageError(f"this project has no flow {slug!r} in {project.schemas}")
        return find_flow(names[slug], project)

    return find


# -- words -------------------------------------------------------------------------------------------------


def _print(replays: list[Replay], *, is_summary: bool) -> None:
    if not replays:
        say("there are no such runs")
    for each in replays:
        if not is_summary or each.verdict == "differs":
            for line in _lines(each):
                click.echo(line)
    if is_summary and replays:
        _print_summary(replays)


def _lines(each: Replay) -> Iterator[str]:
    run = each.recording
    why = f": {error_in_words(run.error)}" if run.error else ""
    yield printable(f"run {run.run_id} of {run.flow_slug}, {run.status}{why}")
    if each.why is not None:
        yield printable(f"  cannot be replayed: {one_line(each.why, 1000)}")
        return
    for difference in each.differences[:MOST_SHOWN]:
        if difference.kind == "structure":
            yield printable(f"  {difference.today}")
            continue
        yield printable(f"  {difference.place}")
        yield printable(f"    recorded  {difference.recorded}")
        yield printable(f"    today     {difference.today}")
    if len(each.differences) > MOST_SHOWN:
        yield f"  and {len(each.differences) - MOST_SHOWN:,} more differences: --json shows all"
    for why, count in Counter(each.passed_over.values()).items():
        yield f"  {counted(count, 'task')} passed over: {why}"
    end = counted(len(each.differences), "difference") if each.differences else "as recorded"
    yield f"  {counted(each.called, 'handler call')}: {end}" if each.called else "  no handler was called"


def _groups(replays: list[Replay]) -> dict[str, Counter[str]]:
    """By what failed the runs: how many of each verdict."""
    groups: dict[str, Counter[str]] = {}
    for each in replays:
        groups.setdefault(each.failure or each.recording.status, Counter())[each.verdict] += 1
    return dict(sorted(groups.items(), key=lambda group: (-group[1].total(), group[0])))


def _print_summary(replays: list[Replay]) -> None:
    click.echo(f"{counted(len(replays), 'run')}, by what failed them:")
    for failure, verdicts in _groups(replays).items():
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(verdicts.items()))
        click.echo(printable(f"  {counts}  {failure}"))
    for why, count in Counter(each.why for each in replays if each.why is not None).items():
        click.echo(printable(f"  {counted(count, 'run')} cannot be replayed: {one_line(why, 1000)}"))


def _document(replays: list[Replay]) -> dict[str, Any]:
    return {
        "runs": [_of_run(each) for each in replays],
        "summary": [
            {"failure": failure, **{verdict.replace(" ", "_"): count for verdict, count in verdicts.items()}}
            for failure, verdicts in _groups(replays).items()
        ],
    }


def _of_run(each: Replay) -> dict[str, Any]:
    run = each.recording
    return {
        "run_id": run.run_id,
        "flow_slug": run.flow_slug,
        "verdict": each.verdict,
        "recorded": {"status": run.status, "error": run.error, "events": run.events},
        "today": {"status": each.status, "error": each.error, "events": each.events},
        "handler_calls": each.called,
        "differences": [
            {
                "kind": found.kind,
                "step": found.step,
                "index": found.index,
                "recorded": found.recorded,
                "today": found.today,
            }
            for found in each.differences
        ],
        "passed_over": each.passed_over,
        "why": each.why,
    }
