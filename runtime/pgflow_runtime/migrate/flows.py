"""Flow migrations: apply what is new, refuse what changed, recreate flows where that was allowed."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from pgflow_runtime.errors import MigrationChanged, ShapeMismatch
from pgflow_runtime.migrate.files import FlowMigration
from pgflow_runtime.migrate.ledger import applied, record, run_script
from pgflow_shared.structure import structure_hash

_NAME = re.compile(r"\d+_(\w+)\.sql")


def apply_flows(
    connection: psycopg.Connection[Any], files: tuple[FlowMigration, ...], *, recreate: bool
) -> tuple[list[str], list[str]]:
    """Apply what this database has not had. Returns the files' names and the slugs of recreated flows.

    With ``recreate``, flows are made anew whose drafts changed, or were applied and are gone (renumbered, or
    not needed any more). Raises MigrationChanged when an applied file has another content without that.
    """
    done = applied(connection, "flow")
    changed = [file for file in files if done.get(file.name, file.digest) != file.digest]
    if changed and not recreate:
        raise _changed(changed)
    stale = {slug for file in changed for slug in file.flow_slugs}
    if recreate:
        for name, slugs in _gone(files, done).items():
            stale |= slugs
            connection.execute("delete from pgflow.migrations where kind = 'flow' and name = %s", [name])
    doomed = _closure(files, stale)
    for slug in sorted(doomed):
        delete_flow(connection, slug)
    names: list[str] = []
    for file in files:
        if file.name in done and file not in changed and not doomed.intersection(file.flow_slugs):
            continue
        run_script(connection, file.name, file.script)
        _prove(connection, file)
        record(connection, "flow", file.name, file.digest)
        names.append(file.name)
    return names, sorted(doomed)


def _prove(connection: psycopg.Connection[Any], file: FlowMigration) -> None:
    """``create_flow`` and ``add_step`` leave what exists alone: see that the flow is the one described."""
    expected = file.structure_hash
    if expected is None:
        return
    for slug in file.flow_slugs:
        row = connection.execute("select pgflow.get_flow_definition(%s) -> 'structure'", [slug]).fetchone()
        if row is not None and row[0] is not None and structure_hash(row[0]) != expected:
            held = ", ".join(step["slug"] for step in row[0]["steps"])
            raise ShapeMismatch(
                f"{file.name}: this database already holds a flow '{slug}' with other steps or"
                f" dependencies; together they would be {held}; nothing was changed",
                help="give the changed flow a new version (Flow(..., version=2)), or use another database",
            )


def delete_flow(connection: psycopg.Connection[Any], flow_slug: str) -> None:
    """Delete a flow with its runs and its queue; nothing happens if it is not there."""
    queue = connection.execute(
        "select queue_name from pgmq.meta where lower(queue_name) = lower(%s)", [flow_slug]
    ).fetchone()
    if queue is not None:
        connection.execute("select pgmq.drop_queue(%s)", [queue[0]])
    for table in ("step_tasks", "step_states", "runs", "deps", "steps", "flows"):
        statement = sql.SQL("delete from pgflow.{} where flow_slug = %s")
        connection.execute(statement.format(sql.Identifier(table)), [flow_slug])


def _gone(files: tuple[FlowMigration, ...], done: dict[str, str]) -> dict[str, set[str]]:
    """Applied files that are not there any more, with the flows their names tell of; of flows still there."""
    here = {file.name for file in files}
    known = {slug for file in files for slug in file.flow_slugs}
    found: dict[str, set[str]] = {}
    for name in done.keys() - here:
        match = _NAME.fullmatch(name)
        title = match[1] if match else ""
        purpose, _, rest = title.partition("_")
        told = {title}  # 0001_crawl, 0002_alter_crawl; 20260301120000_create_crawl_flow
        told |= {rest} if purpose == "alter" else set()
        told |= {rest.removesuffix("_flow")} if purpose in ("create", "alter") else set()
        if slugs := told & known:
            found[name] = slugs
    return found


def _closure(files: tuple[FlowMigration, ...], slugs: set[str]) -> set[str]:
    """The slugs, and those of every file that has to run again because it names one of them."""
    while True:
        more = slugs.union(*(file.flow_slugs for file in files if slugs.intersection(file.flow_slugs)))
        if more == slugs:
            return slugs
        slugs = more


def _changed(files: list[FlowMigration]) -> MigrationChanged:
    names = ", ".join(file.name for file in files)
    verb = "was" if len(files) == 1 else "were"
    return MigrationChanged(
        f"{names} {verb} applied to this database with another content; nothing was changed",
        help="restore the file and give the changed flow a new version (Flow(..., version=2));"
        " in a database for development only, run `pgflow-gen migrate --development`"
        " (it recreates the flow and deletes its runs)",
    )
