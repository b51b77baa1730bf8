"""``pgflow-gen runs export``: runs as a file, for a test or for ``replay``."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg

from pgflow_runtime.cli.common import dsn_option, refusals, say
from pgflow_runtime.cli.runs.failed import check_choice, failed_options, failed_runs, reading
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.database.store import translated
from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.project import Project, find_project
from pgflow_runtime.registry import contracts
from pgflow_runtime.runs.reading import read_run
from pgflow_runtime.testing.recordings.as_test import name_of, text_of_test
from pgflow_runtime.testing.recordings.export import FlowOfProject, recording
from pgflow_runtime.testing.recordings.reading import read_recording
from pgflow_runtime.testing.recordings.redaction import Redaction
from pgflow_runtime.testing.recordings.writing import write_file, write_to
from pgflow_shared.text import counted

MOST_BYTES = 100_000_000


@click.command(
    "export",
    epilog="The format is described in docs/reference/recording.md, with its JSON Schema.",
)
@click.argument("run_ids", metavar="[RUN_ID]...", type=click.UUID, nargs=-1)
@failed_options("All failed runs instead, the latest first.", 100)
@click.option(
    "--redact",
    "paths",
    metavar="PATH",
    multiple=True,
    help="Hide a value: input.card.number, steps.charge.output.token, or error for the"
    " text of all errors. May be given more than once.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write this file, which only you can read. Default: standard output.",
)  # fmt: skip
@click.option(
    "--as-test",
    is_flag=True,
    help="Write a pytest file that follows the run, and the recording beside it. FILE names the test;"
    " default: tests/test_<flow>_<end of the run's id>.py.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(1),
    default=MOST_BYTES,
    show_default=True,
    help="How large the recording may become.",
)
@dsn_option
def export_runs(
    run_ids: tuple[UUID, ...],
    failed: bool,
    flow: str | None,
    since: str | None,
    limit: int,
    paths: tuple[str, ...],
    output: Path | None,
    as_test: bool,
    max_bytes: int,
    dsn: str | None,
) -> None:
    """Write what runs were like: input, outputs, errors and attempts of every task, the order of events.

    'replay' and run_flow(flow, recorded=FILE) do it again with today's handlers. A recording holds what the
    runs held: --redact hides values, each behind another of its type.
    """
    with refusals():
        check_choice(bool(run_ids), failed, flow, since, by="the id of a run")
        redaction, project = Redaction(paths), find_project()
        with reading(dsn, project, autocommit=False) as connection:
            found = run_ids or failed_runs(connection, flow, since, limit)
            if not found:
                say("there are no such runs")
                return
            pieces = recording(connection, found, redaction, known_flows(project))
            with translated():
                if as_test:
                    _write_test(project, connection, found, pieces, output, max_bytes)
                elif output is not None:
                    write_file(output, pieces, max_bytes)
                    say(f"wrote {counted(len(found), 'run')} to {output}")
                else:
                    write_to(sys.stdout.buffer, pieces, max_bytes)
        for path in redaction.unmet():
            say(f"note: --redact {path} has met no value")


def _write_test(
    project: Project,
    connection: psycopg.Connection[Any],
    run_ids: Sequence[UUID],
    pieces: Iterable[str],
    output: Path | None,
    most: int,
) -> None:
    if len(run_ids) != 1:
        raise UsageError(f"a test follows one run, not {len(run_ids)}", help="name one run id")
    run = read_run(connection, run_ids[0]).run
    if not run.is_final:
        raise UsageError(f"run {run.run_id} has not ended: a test follows one that has")
    known = known_flows(project)(run.flow_slug)
    if known is None:
        raise UsageError(
            f"this project has no flow {run.flow_slug!r} in {project.schemas}",
            help="run it in the project of the flow, after `pgflow-gen build`",
        )
    test = output or project.root / "tests" / f"{name_of(run.flow_slug, str(run.run_id))}.py"
    if test.exists():
        raise UsageError(f"{test} is there already", help="name another with -o")
    if test.suffix != ".py":
        raise UsageError(f"{test} is no Python file", help="write -o tests/test_NAME.py")
    test.parent.mkdir(parents=True, exist_ok=True)
    file = test.with_suffix(".json")
    write_file(file, pieces, most)
    text = text_of_test(read_recording(file), known.flow, file)
    test.write_text(text, encoding="utf-8")
    say(f"wrote {test} and {file.name}")


def known_flows(project: Project) -> Callable[[str], FlowOfProject | None]:
    """From a slug in the database to what the project says of the flow; None where it says nothing."""
    try:
        found = {contract.slug: contract for contract in contracts(project)}
    except ProjectError:
        found = {}

    def known(slug: str) -> FlowOfProject | None:
        contract = found.get(slug)
        return FlowOfProject(contract.flow, types_hash(contract)) if contract is not None else None

    return known


def types_hash(contract: FlowContract) -> str:
    """Of the types of the flow's input and of what its steps take and give."""
    schema = contract.schema
    steps = {slug: [step["input"], step["output"]] for slug, step in schema["x-pgflow"]["steps"].items()}
    types = [schema["properties"], schema.get("$defs", {}), steps]
    text = json.dumps(types, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
