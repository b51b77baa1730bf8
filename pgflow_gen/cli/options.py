"""Options that several of the compiler's commands share."""

from __future__ import annotations

import click

from pgflow_gen.report import FORMATS

format_option = click.option(
    "-f", "--format", "format", type=click.Choice(FORMATS), default="text", show_default=True,
    help="How findings are printed to stdout.",
)  # fmt: skip

verify_option = click.option(
    "--verify/--no-verify", default=True, show_default=True,
    help="Let mypy judge the flows as well (PGF501). It needs your flows' own dependencies installed.",
)  # fmt: skip

plugins_option = click.option(
    "--plugins/--no-plugins", default=True, show_default=True,
    help="Let mypy load the plugins of the project's configuration. They are programs, and the only ones of"
    " the project's that run.",
)  # fmt: skip

cache_option = click.option(
    "--cache/--no-cache", "cached", default=True, show_default=True,
    help="Take over from earlier runs what still holds (.pgflow/cache). The outcome is the same without.",
)  # fmt: skip
