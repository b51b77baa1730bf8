"""``pgflow-gen build``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pgflow_command.options import common_options
from pgflow_gen.cli.options import cache_option, format_option, plugins_option, verify_option
from pgflow_gen.cli.output import load_project, print_changes, print_findings, print_summary, refusals
from pgflow_gen.cli.short_lived import short_lived
from pgflow_gen.report import Format

if TYPE_CHECKING:
    from pgflow_gen.config import Config


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen build                  after every change of a flow
  pgflow-gen build --check          in CI and in the pre-commit hook
  pgflow-gen build --diff           what a build would change
  pgflow-gen build --watch          while you write
  pgflow-gen build --renumber       after a merge, when two branches wrote migrations"""
)
@click.option(
    "--check", "check_only", is_flag=True, help="Write nothing; exit 1 when a file is stale (PGF403)."
)
@click.option(
    "--diff", "show_diff", is_flag=True, help="Write nothing; print what would change as a diff, exit 1."
)
@click.option(
    "--renumber", is_flag=True, help="Move draft migrations behind all others; join a manifest in conflict."
)
@click.option(
    "--exit-non-zero-on-change",
    "tell_change",
    is_flag=True,
    help="Exit 1 when files were written (for hooks).",
)
@click.option("--watch", is_flag=True, help="Build again after every change, until Ctrl-C.")
@verify_option
@plugins_option
@cache_option
@format_option
@common_options
@click.pass_context
def build(
    ctx: click.Context,
    check_only: bool,
    show_diff: bool,
    renumber: bool,
    tell_change: bool,
    watch: bool,
    verify: bool,
    plugins: bool,
    cached: bool,
    format: Format,
) -> None:
    """Check all flows and bring the generated files up to date.

    Nothing is written when there are errors, and only files that differ are written. What was created,
    changed or deleted is told on stderr. Handlers are never imported; of the project's programs only the
    plugins of mypy's configuration run (see --no-plugins). Migrations are drafts, written anew by every
    build, until 'pgflow-gen release' marks them shipped.
    """
    from pgflow_gen import pipeline

    if check_only and renumber:
        raise click.UsageError("--check writes nothing, --renumber gives files new names: choose one.")
    if watch and (check_only or show_diff or renumber):
        raise click.UsageError("--watch builds, and nothing else: leave --check, --diff and --renumber out.")
    if watch:
        from pgflow_gen.cli.watch import require_watchable
        from pgflow_gen.cli.watch import watch as build_again

        require_watchable(load_project())
        build_again(
            load_project,
            lambda config: _watched(config, verify=verify, plugins=plugins, cached=cached, format=format),
        )
        return
    short_lived()
    mode: pipeline.Mode = "check" if check_only else "diff" if show_diff else "write"
    with refusals():
        report = pipeline.build(
            load_project(), verify=verify, mode=mode, renumber=renumber, cached=cached, plugins=plugins
        )
    if not (show_diff and format == "text") or report.diagnostics:
        print_findings(report, format, err=show_diff)
    dirty = False
    if show_diff and report.plan is not None:
        from pgflow_gen.write import diff

        click.echo(diff(report.plan), nl=False)
        dirty = not report.plan.is_clean
    if format == "text":
        print_changes(report, done=mode == "write")
    print_summary(report)
    changed = tell_change and report.plan is not None and not report.plan.is_clean
    ctx.exit(1 if report.has_errors or dirty or changed else 0)


def _watched(config: Config, *, verify: bool, plugins: bool, cached: bool, format: Format) -> None:
    """One build of many; what is wrong is told, and ends nothing."""
    from pgflow_gen import pipeline

    with refusals():
        report = pipeline.build(config, verify=verify, cached=cached, plugins=plugins)
    print_findings(report, format)
    if format == "text":
        print_changes(report, done=True)
    print_summary(report)
