"""``pgflow-gen check``."""

from __future__ import annotations

import click

from pgflow_command.options import common_options
from pgflow_gen.cli.options import cache_option, format_option, plugins_option, verify_option
from pgflow_gen.cli.output import load_project, print_findings, print_summary, refusals
from pgflow_gen.cli.short_lived import short_lived
from pgflow_gen.report import Format


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen check
  pgflow-gen check --no-verify --format json"""
)
@format_option
@verify_option
@plugins_option
@cache_option
@common_options
@click.pass_context
def check(ctx: click.Context, format: Format, verify: bool, plugins: bool, cached: bool) -> None:
    """Check all flows of the project; write nothing but what saves the next look its time (.pgflow/cache).

    Findings are printed with their place, the reason and a way out. Exits 1 when there are errors.
    Released flows whose steps changed without a new version are among them (PGF401). Whether the generated
    files are up to date is 'build --check'. Handlers are never imported; of the project's programs only the
    plugins of mypy's configuration run (see --no-plugins).
    """
    from pgflow_gen import pipeline

    short_lived()
    with refusals():
        report = pipeline.check(load_project(), verify=verify, history=True, cached=cached, plugins=plugins)
    print_findings(report, format)
    print_summary(report)
    ctx.exit(1 if report.has_errors else 0)
