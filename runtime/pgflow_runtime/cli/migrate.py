"""``pgflow-gen migrate``: bring pgmq, the core and the flows into a database."""

from __future__ import annotations

import dataclasses
import json

import click

from pgflow_runtime.cli.common import database, dsn_option, generated_option, refusals, say
from pgflow_runtime.contract import slugs_in
from pgflow_runtime.contract.versions import STRANDED, STRANDED_HELP, stranded
from pgflow_runtime.database.dsn import describe, resolve_dsn
from pgflow_runtime.database.store import connected
from pgflow_runtime.migrate import MigrationReport
from pgflow_runtime.migrate import migrate as migrate_database
from pgflow_runtime.migrate.files import read_flow_migrations
from pgflow_runtime.project import Project, find_project


@click.command(epilog="One transaction: it applies everything or nothing, and is safe to repeat.")
@dsn_option
@generated_option
@click.option("--core-only", is_flag=True, help="Stop after pgmq and the core; leave the flows out.")
@click.option(
    "--development",
    is_flag=True,
    help="Mark this database as one for development: when a migration that was applied changes, its flow"
    " is deleted with its runs and made anew. The embedded server is such a database anyway.",
)
@click.option(
    "--roles",
    is_flag=True,
    help="Set up the roles pgflow_owner, pgflow_worker, pgflow_client and pgflow_operator, each with the"
    " least privileges.",
)
@click.option("--dry-run", is_flag=True, help="Do everything, say what it was, and roll back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def migrate(
    dsn: str | None,
    generated: str | None,
    core_only: bool,
    development: bool,
    roles: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring a database up to date: the queue, the core, and this project's flows."""
    with refusals():
        project = find_project(generated=generated)
        flows = () if core_only else read_flow_migrations(project.migrations, project.style)
        embedded = resolve_dsn(dsn).is_embedded
        with database(dsn, project) as conninfo:
            report = migrate_database(
                conninfo,
                flows,
                development=embedded or development,
                mark=development,
                roles=roles or project.roles,
                dry_run=dry_run,
                tell=lambda text: say(f"note: {text}"),
            )
            where = describe(conninfo)
            if not dry_run and not core_only:
                report.notes.extend(_stranded(conninfo, project))
    if not flows and not core_only:
        report.notes.append(f"there are no flow migrations in {project.migrations}: run `pgflow-gen build`")
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(report), "database": where}, indent=2))
    else:
        _print(report, where)


def _stranded(conninfo: str, project: Project) -> list[str]:
    """Open runs of versions that this project has no more and no worker serves."""
    known = slugs_in(project.schemas)
    with connected(conninfo) as connection:
        rows = connection.execute(STRANDED, [known]).fetchall() if known else []
    return [f"{stranded(slug, count, known)}; {STRANDED_HELP}" for slug, count in rows]


def _print(report: MigrationReport, where: str) -> None:
    would = "would apply" if report.dry_run else "applied"
    if report.pgmq != "present":
        click.echo(f"pgmq: {would} {report.pgmq}")
    for name in report.core:
        click.echo(f"core: {would} {name}")
    for name in report.roles:
        click.echo(f"roles: {'would create' if report.dry_run else 'created'} {name}")
    for slug in report.recreated:
        word = "would delete" if report.dry_run else "deleted"
        click.echo(f"flow: {word} '{slug}' and its runs, to make it anew")
    for name in report.flows:
        click.echo(f"flow: {would} {name}")
    if report.is_empty:
        click.echo("everything is up to date")
    for note in report.notes:
        say(f"note: {note}")
    say(f"database: {where}")
