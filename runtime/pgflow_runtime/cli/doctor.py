"""``pgflow-gen doctor``: what ails a database, and what to do about it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence

import click

from pgflow_runtime.cli.common import (
    database,
    dsn_option,
    generated_option,
    read_dsn_option,
    refusals,
    replica,
)
from pgflow_runtime.database.dsn import describe
from pgflow_runtime.doctor import CODES, Finding, Severity, examine
from pgflow_runtime.project import find_project
from pgflow_runtime.terminal.output import shows_colours
from pgflow_runtime.terminal.words import printable
from pgflow_shared.verbosity import is_quiet

_LOOKS = {
    Severity.ok: {"fg": "green"},
    Severity.note: {"fg": "cyan"},
    Severity.unseen: {"dim": True},
    Severity.warning: {"fg": "yellow", "bold": True},
    Severity.problem: {"fg": "red", "bold": True},
}
_EXIT = {Severity.warning: 1, Severity.problem: 2}


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen doctor
  pgflow-gen doctor --ignore workers.dead --ignore bloat.size --quiet     for monitoring
  pgflow-gen doctor --json

Exit codes, as monitoring systems read them: 0 all in order, 1 warnings, 2 problems (or wrong usage)."""
)
@click.option(
    "--ignore",
    metavar="CODE",
    multiple=True,
    type=click.Choice(sorted(CODES)),
    help="Leave a code out; repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and problems only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@dsn_option
@read_dsn_option
@generated_option
def doctor(
    ignore: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    dsn: str | None,
    read_dsn: str | None,
    generated: str | None,
) -> None:
    """Examine the database: server, queue, core, flows, workers, runs, bloat, connections, settings.

    Nothing is changed. Each finding says what to do. What this user may not see is named as unseen and
    does not count. Flows are compared with those of the project in the working directory. With --read-dsn
    runs are read from a replica, and how far it is behind is looked at too.
    """
    with refusals():
        project = find_project(generated=generated)
        read = replica(read_dsn, dsn)
        with database(dsn, project) as conninfo:
            found = [item for item in examine(conninfo, project, read=read) if item.code not in ignore]
            where = describe(conninfo)
    worst = max((item.severity for item in found), default=Severity.ok)
    if as_json:
        click.echo(json.dumps(_document(found, where, worst), indent=2, ensure_ascii=False))
    else:
        _print(found, where, quiet=quiet or is_quiet())
    raise click.exceptions.Exit(_EXIT.get(worst, 0))


def _document(found: Sequence[Finding], where: str, worst: Severity) -> dict[str, object]:
    status = worst.name if worst in _EXIT else "ok"
    findings = [
        {"severity": item.severity.name, "code": item.code, "message": item.message, "help": item.help}
        for item in found
    ]
    return {"database": where, "status": status, "findings": findings}


def _print(found: Sequence[Finding], where: str, *, quiet: bool) -> None:
    colour = shows_colours(sys.stdout)
    shown = [item for item in found if not quiet or item.severity in _EXIT]
    width = max((len(item.code) for item in shown), default=0)
    for item in shown:
        name = click.style(f"{item.severity.name:<7}", **_LOOKS[item.severity])  # type: ignore[arg-type]
        click.echo(f"{name}  {item.code:<{width}}  {printable(item.message)}", color=colour)
        if item.help:
            click.echo(
                f"{'':<{width + 11}}{click.style('help:', dim=True)} {printable(item.help)}", color=colour
            )
    counts = Counter(item.severity for item in found)
    parts = [
        f"{counts[severity]} {severity.name}{'s' if counts[severity] != 1 else ''}"
        for severity in (Severity.problem, Severity.warning)
        if counts[severity]
    ]
    if not quiet or parts:
        click.echo(f"{where}: {', '.join(parts) or 'all in order'}", err=True)
