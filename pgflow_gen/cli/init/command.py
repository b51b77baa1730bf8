"""``pgflow-gen init``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pgflow_command.options import common_options
from pgflow_gen.cli.output import refusals, tell


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen init                  in the current folder
  pgflow-gen init shop             in a new folder
  pgflow-gen init --supabase       for a project on Supabase
  pgflow-gen dev                   then: build, migrate and work while you write"""
)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path), metavar="[FOLDER]")
@click.option(
    "--supabase", is_flag=True, help="For Supabase: its migrations, roles, and a flow of its preset."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@common_options
def init(folder: Path, supabase: bool, as_json: bool) -> None:
    """Set a project up: [tool.pgflow-gen], one flow with tests, a pre-commit hook.

    Nothing that exists is overwritten: a pyproject.toml and a .gitignore are added to, other files are kept.
    """
    from pgflow_gen.cli.init.plain import PLAIN
    from pgflow_gen.cli.init.scaffold import put, scaffold
    from pgflow_gen.cli.init.supabase import SUPABASE
    from pgflow_gen.disk import Folder

    told: dict[str, list[str]] = {"created": [], "added to": [], "kept": []}
    with refusals():
        pieces = scaffold(folder, SUPABASE if supabase else PLAIN)
        folder.mkdir(parents=True, exist_ok=True)
        with Folder(folder) as root:
            for piece in pieces:
                put(root, piece)
                done = "kept" if piece.text is None else "created" if piece.is_new else "added to"
                told.setdefault(done, []).append(piece.path)
                if not as_json:
                    tell(f"{done} {piece.path}")
    if as_json:
        click.echo(json.dumps({done.replace(" ", "_"): paths for done, paths in told.items()}, indent=2))
        return
    where = "" if folder == Path() else f" in {folder}"
    kind = SUPABASE if supabase else PLAIN
    tell(f"Next{where}: {kind.next}")
