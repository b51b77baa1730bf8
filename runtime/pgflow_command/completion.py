"""``pgflow-gen completion``."""

from __future__ import annotations

import click

from pgflow_command.lazy import CommandFailure
from pgflow_command.options import debug_option

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\
\b
Examples:
  eval "$(pgflow-gen completion bash)"     in ~/.bashrc (bash 4.4 or newer)
  eval "$(pgflow-gen completion zsh)"      in ~/.zshrc
  pgflow-gen completion fish > ~/.config/fish/completions/pgflow-gen.fish"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@debug_option
def completion(shell: str) -> None:
    """Print the script that lets a shell complete pgflow-gen's commands and options."""
    from click.shell_completion import get_completion_class

    from pgflow_command.app import app

    made = get_completion_class(shell)
    if made is None:
        raise CommandFailure(
            f"This version of click knows no completion for {shell}.", "pip install -U click"
        )
    # The text alone: source() would also run the shell to ask for its version.
    script = made(app, {}, "pgflow-gen", "_PGFLOW_GEN_COMPLETE")
    click.echo(script.source_template % script.source_vars())
