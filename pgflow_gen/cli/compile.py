"""``pgflow-gen compile``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pgflow_command.lazy import CommandFailure
from pgflow_command.options import common_options
from pgflow_gen.cli.output import load_project, print_findings, print_summary, refusals


@click.command(
    name="compile",
    epilog="""\
\b
Examples:
  pgflow-gen compile flows/crawl.py
  pgflow-gen compile flows/crawl.py | psql mydb""",
)
@click.argument("file", metavar="FLOW.py", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with each flow's SQL instead.")
@common_options
@click.pass_context
def compile_(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Print the SQL that defines the flows of one module, as 'build' would write it into a first migration.

    The file need not be among the project's flows. Findings go to stderr, and with errors in the module
    nothing is printed.
    """
    from pgflow_gen import pipeline

    config = load_project()
    if not file.resolve().is_relative_to(config.root):
        config = load_project(file.resolve().parent)
    with refusals():
        report = pipeline.check(config, verify=False, only=file.resolve())
    print_findings(report, "text", err=True)
    if report.has_errors:
        print_summary(report)
        ctx.exit(1)
    if not report.sound:
        raise CommandFailure(
            f"There is no flow in {file}.",
            'a flow is a module-level name: crawl = Flow[Input]("crawl")',
        )
    from pgflow_gen.render import compile_sql

    texts = {flow.db_slug: compile_sql(flow, report.analysis.types) for flow in report.sound}
    if as_json:
        flows = [{"slug": slug, "sql": text} for slug, text in texts.items()]
        click.echo(json.dumps({"flows": flows}, indent=2))
    else:
        click.echo("\n".join(texts.values()), nl=False)
