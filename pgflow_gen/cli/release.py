"""``pgflow-gen release``."""

from __future__ import annotations

import click

from pgflow_command.options import common_options
from pgflow_gen.cli.options import format_option, plugins_option, verify_option
from pgflow_gen.cli.output import load_project, print_findings, print_summary, refusals, tell
from pgflow_gen.report import Format
from pgflow_shared.text import counted


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen release                before you tag; commit the manifest with it
  pgflow-gen release --check        in CI, on what is about to be deployed"""
)
@click.option("--check", "check_only", is_flag=True, help="Change nothing; exit 1 when there are drafts.")
@verify_option
@plugins_option
@format_option
@common_options
@click.pass_context
def release(ctx: click.Context, check_only: bool, verify: bool, plugins: bool, format: Format) -> None:
    """Mark all draft migrations as shipped.

    A draft is written anew whenever its flow changes; a shipped migration never changes again. From then on
    changed options get a migration of their own, and changed steps a new version of the flow (PGF401).
    Release before a database that matters has them. The flows must be free of errors, and the generated
    files up to date.
    """
    from pgflow_gen import pipeline
    from pgflow_gen.write import drafts
    from pgflow_gen.write import release as mark

    config = load_project()
    if check_only:
        with refusals():
            found = drafts(config)
        for path in found:
            click.echo(f"{path} is a draft")
        if found:
            tell(f"{counted(len(found), 'draft')}: run `pgflow-gen release`")
        ctx.exit(1 if found else 0)
    with refusals():
        report = pipeline.build(config, verify=verify, plugins=plugins, mode="check")
        print_findings(report, format)
        if report.has_errors:
            print_summary(report)
            ctx.exit(1)
        marked = mark(config)
    for path in marked:
        tell(f"shipped {path}")
    if not marked:
        tell("there are no drafts: every migration is shipped already")
