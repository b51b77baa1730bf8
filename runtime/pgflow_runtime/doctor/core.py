"""The SQL core: there, ours, of this version, and with all its migrations."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, ok, problem, unseen, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_runtime.migrate.ledger import digest_of
from pgflow_runtime.migrate.trust import intruders
from pgflow_sql import SCHEMA_VERSION, migration_files


def check_core(inspection: Inspection) -> Iterator[Finding]:
    row = inspection.row(
        "select to_regnamespace('pgflow') is not null as is_there,"
        " exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname = 'pgflow' and p.proname = 'schema_version') as is_ours"
    )
    if not row["is_there"]:
        yield problem("core.schema", "there is no core in this database", "run `pgflow-gen migrate`")
        return
    if not row["is_ours"]:
        yield problem(
            "core.schema",
            "the schema pgflow in this database is not pgflow-gen's",
            "use another database; nothing of ours will touch that schema",
        )
        return
    found = list(_foreign(inspection))
    if found:
        yield from found  # and nothing of it is called
        return
    version = inspection.row("select pgflow.schema_version() as version")["version"]
    if version < SCHEMA_VERSION:
        yield problem(
            "core.version",
            f"the core has version {version}, this program needs {SCHEMA_VERSION}",
            "run `pgflow-gen migrate`, then deploy the workers",
        )
    elif version > SCHEMA_VERSION:
        yield _newer_core(inspection, version)
    else:
        yield ok("core.version", f"core of version {version}")


def _newer_core(inspection: Inspection, version: int) -> Finding:
    """A core that was migrated by a later release: it may serve this one still."""
    oldest = inspection.row("select greatest(worker, client) as program from pgflow.oldest_program()")[
        "program"
    ]
    newer = f"the core has version {version}, this program knows {SCHEMA_VERSION}"
    way_out = "install the release of pgflow-gen that migrated this database"
    if oldest > SCHEMA_VERSION:
        return problem("core.version", f"{newer}; its workers and clients do not start", way_out)
    return warning("core.version", f"{newer}; it still serves this release", way_out)


def _foreign(inspection: Inspection) -> Iterator[Finding]:
    """Schemas that somebody has taken over: what is in them runs with the core's owner's rights, and ours."""
    user = inspection.row(
        "select case when r.rolsuper then r.rolname else pg_get_userbyid(n.nspowner) end as name"
        " from pg_catalog.pg_roles r, pg_catalog.pg_namespace n"
        " where r.rolname = current_user and n.nspname = 'pgflow'"
    )["name"]
    for item in intruders(inspection.connection, [user]):
        message = f"{item.what}, who could run programs with the rights of {user}"
        yield problem("core.trust", message, item.help)


def check_core_migrations(inspection: Inspection) -> Iterator[Finding]:
    done = {
        row["name"]: row["digest"]
        for row in inspection.rows("select name, digest from pgflow.migrations where kind = 'core'")
    }
    if not done:
        yield unseen(
            "core.migrations",
            "the core was not installed by pgflow-gen migrate, so which of its migrations ran is not known",
            "`pgflow-gen migrate --core-only` writes it down, if the core is to be ours from now on",
        )
        return
    files = migration_files()
    missing = [file.name for file in files if file.name not in done]
    changed = [
        file.name for file in files if done.get(file.name, digest_of(file.text)) != digest_of(file.text)
    ]
    if missing:
        yield problem("core.migrations", f"not applied: {', '.join(missing)}", "run `pgflow-gen migrate`")
    if changed:
        yield warning(
            "core.migrations",
            f"applied with another content than this release's: {', '.join(changed)}",
            "this database was made by an unreleased version: use a new one",
        )
