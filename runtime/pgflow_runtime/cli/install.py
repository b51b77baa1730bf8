"""``pgflow-gen install``: copy the core's SQL for users with a migration tool of their own."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from pgflow_runtime.cli.common import CommandRefusal, refusals, say
from pgflow_runtime.errors import UsageError
from pgflow_runtime.migrate.copies import Copy, plan_copies
from pgflow_shared.styles import NAMES

_PGMQ = (
    "the core needs pgmq >= 1.5 in the same database: `create extension pgmq` where the server offers it,"
    " else copy it too with --with-pgmq"
)


@click.command()
@click.option(
    "--dir",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of your migrations.",
)
@click.option(
    "--style",
    type=click.Choice(NAMES),
    default="plain",
    show_default=True,
    help="The tool they are for: how files are named and wrapped.",
)
@click.option(
    "--with-pgmq", is_flag=True, help="Copy pgmq's SQL (from the package pgmq) in front of the core."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines; asks nothing.")
def install(folder: Path, style: str, with_pgmq: bool, yes: bool, as_json: bool) -> None:
    """Copy the core's migrations into a folder of yours, numbered to follow what is there.

    Copies that are there already are left alone; an edited one is never overwritten. Flow migrations need
    no copying: set `migrations` and `style` in [tool.pgflow-gen] to write them where and how you want them.
    Install first: the flows' migrations need the core's. Drafts that stand before it are moved behind by
    `pgflow-gen build --renumber`.
    """
    with refusals():
        copies = plan_copies(folder, style, datetime.now(UTC), with_pgmq=with_pgmq)
    new = [copy for copy in copies if not copy.is_present]
    if as_json:
        _write(folder, new)
        kept = [str(folder / copy.name) for copy in copies if copy.is_present]
        document = {"style": style, "created": [str(folder / copy.name) for copy in new], "kept": kept}
        click.echo(json.dumps(document, indent=2))
        return
    if not new:
        click.echo(f"{folder} holds the core's migrations already")
        return
    for copy in new:
        click.echo(f"  {folder / copy.name}")
    if not yes and not _agrees(f"Write {_counted(new)}?"):
        say("nothing was written")
        raise click.exceptions.Exit(1)
    _write(folder, new)
    click.echo(f"wrote {_counted(new)}")
    if not with_pgmq:
        say(f"note: {_PGMQ}")


def _write(folder: Path, copies: list[Copy]) -> None:
    if copies:
        folder.mkdir(parents=True, exist_ok=True)
    for copy in copies:
        with (folder / copy.name).open("x", encoding="utf-8", newline="\n") as file:
            file.write(copy.text)


def _agrees(question: str) -> bool:
    """The user's answer. Raises CommandRefusal where nobody can give one."""
    try:
        return click.confirm(question, default=True)
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise  # Ctrl-C or Ctrl-D at the keyboard
        click.echo(err=True)
        error = UsageError("nobody can answer: the input has ended", help="-y writes without asking")
        raise CommandRefusal(error) from None


def _counted(copies: list[Copy]) -> str:
    return "1 file" if len(copies) == 1 else f"{len(copies)} files"
