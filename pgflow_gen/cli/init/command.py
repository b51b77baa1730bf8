"""``pgflow-gen init``."""

from __future__ import annotations

from pathlib import Path

import click

from pgflow_gen.cli.options import common_options
from pgflow_gen.cli.output import refusals


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen init                  in the current folder
  pgflow-gen init shop             in a new folder
  pgflow-gen dev                   then: build, migrate and work while you write"""
)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path), metavar="[FOLDER]")
@common_options
def init(folder: Path) -> None:
    """Set a project up: [tool.pgflow-gen], one flow, a test of its handlers, a pre-commit hook.

    Nothing that exists is overwritten: a pyproject.toml and a .gitignore are added to, other files are kept.
    """
    from pgflow_gen.cli.init.scaffold import put, scaffold
    from pgflow_gen.disk import Folder

    with refusals():
        pieces = scaffold(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with Folder(folder) as root:
            for piece in pieces:
                put(root, piece)
                done = "kept" if piece.text is None else "created" if piece.is_new else "added to"
                click.echo(f"{done} {piece.path}", err=True)
    where = "" if folder == Path() else f" in {folder}"
    click.echo(f"Next{where}: pgflow-gen dev, which builds, migrates and works while you write", err=True)
