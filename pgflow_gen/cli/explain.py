"""``pgflow-gen explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pgflow_command.lazy import CommandFailure
from pgflow_command.options import debug_option
from pgflow_shared.text import closest

if TYPE_CHECKING:
    from pgflow_gen.checks import Rule


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen explain PGF303
  pgflow-gen explain"""
)
@click.argument("code", required=False)
@debug_option
def explain(code: str | None) -> None:
    """Explain a diagnostic code with a bad and a good example; without CODE, list all codes."""
    from pgflow_gen.checks import rules

    known = rules()
    if code is None:
        for rule in known.values():
            click.echo(f"{rule.code}  {rule.title}")
        return
    wanted = code.strip().upper()
    wanted = wanted if wanted.startswith("PGF") else f"PGF{wanted}"
    found = known.get(wanted)
    if found is None:
        near = closest(wanted, known)
        raise CommandFailure(
            f"There is no diagnostic {code!r}.",
            f"did you mean {near}?" if near else "'pgflow-gen explain' lists them all",
        )
    click.echo(page(found), nl=False)


def page(rule: Rule) -> str:
    """The explanation of a rule as plain text."""
    bad, good = ("Bad:", "Good:") if rule.kind == "module" else ("What happens:", "What to do:")
    parts = [f"{rule.code}: {rule.title}", rule.text, bad, _indented(rule.bad), good, _indented(rule.good)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().splitlines())
