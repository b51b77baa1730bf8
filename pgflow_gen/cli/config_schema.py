"""``pgflow-gen config-schema``."""

from __future__ import annotations

from importlib.resources import files

import click

from pgflow_command.options import debug_option


@click.command(
    name="config-schema",
    epilog="""\
\b
Examples:
  pgflow-gen config-schema > pgflow-gen.schema.json""",
)
@debug_option
def config_schema() -> None:
    """Print the JSON Schema of [tool.pgflow-gen], for editors that check pyproject.toml."""
    click.echo((files("pgflow_gen") / "config.schema.json").read_text(encoding="utf-8"), nl=False)
