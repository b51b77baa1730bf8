"""Bring pgmq, the SQL core and a project's flows into a database: one transaction, safe to repeat.

Two migrators at once queue up behind an advisory lock; whatever fails leaves the database as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import psycopg
from psycopg.sql import SQL

from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.database.encodings import what_is_wrong_with
from pgflow_runtime.database.refusals import Refusal, refusal_of
from pgflow_runtime.database.store import connected
from pgflow_runtime.errors import MigrationFailed, PgflowError
from pgflow_runtime.migrate.core import install_core
from pgflow_runtime.migrate.files import FlowMigration, read_flow_migrations
from pgflow_runtime.migrate.flows import apply_flows
from pgflow_runtime.migrate.in_the_way import is_lock, who_is_in_the_way
from pgflow_runtime.migrate.ledger import is_development, mark_development
from pgflow_runtime.migrate.pgmq import ensure_pgmq
from pgflow_runtime.migrate.roles import act_as_owner, act_as_self, ensure_roles, grant_functions, has_roles
from pgflow_runtime.migrate.trust import require_trusted
from pgflow_runtime.project import Project

LOCK_KEY = 0x7067666C6F77
"""Key of the advisory lock: "pgflow" in ASCII."""


LOCK_TIMEOUT = "5s"
"""How long it waits for one lock. All who come after it wait too, so it lets them pass and tries again."""
QUEUE_TIMEOUT = "5min"
"""How long it waits for another migration, which may take its time."""
ATTEMPTS = 5
"""How often a migration is tried that gives way to others: by a deadlock, a lock or a cancellation."""


@dataclass(slots=True)
class MigrationReport:
    """What a migration did (or, with ``dry_run``, would do). Names are file names."""

    pgmq: str = ""
    """Where the queue comes from: ``present``, ``extension 1.5.0``, ``bundled SQL 1.13.0``."""
    core: list[str] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    """The roles that were created."""
    recreated: list[str] = field(default_factory=list)
    """Slugs of flows that were deleted with their runs and made anew (development only)."""
    notes: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def is_empty(self) -> bool:
        return self.pgmq == "present" and not (self.core or self.flows or self.roles or self.recreated)


def migrate(
    conninfo: str,
    flows: Project | tuple[FlowMigration, ...] = (),
    *,
    development: bool = False,
    mark: bool = False,
    roles: bool = False,
    dry_run: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> MigrationReport:
    """Migrate the database ``conninfo`` names: ``migrate(dsn, find_project())``, as the command does.

    Args:
        flows: the project whose migrations are applied, or these themselves, in the order to apply them; none
            where the core alone is wanted.
        development: changed drafts may be re-applied by recreating their flow, with the loss of its runs.
            Also true in a database that was marked before.
        mark: mark the database as one for development.
        roles: set up the roles for owner, workers and clients, also where the project says so. A database
            that has them keeps them: what a later call creates belongs to the owner, without asking again.
        dry_run: do everything, then roll back.
        tell: is told who is waited for, while others hold what has to be changed.

    Raises:
        ProjectError: the project's migrations cannot be read, or are another tool's to apply.
        ConnectionFailed, PermissionDenied, PgmqTooOld, ForeignSchema, UntrustedSchema, CoreTooNew,
        MigrationChanged, MigrationFailed: the database is as it was before.
    """
    if isinstance(flows, Project):
        roles = roles or flows.roles
        flows = read_flow_migrations(flows.migrations, flows.style)
    backoff = Backoff(0.2, 5.0)
    attempts_left = ATTEMPTS
    while True:
        attempts_left -= 1
        report = MigrationReport(dry_run=dry_run)
        try:
            _migrate_once(conninfo, report, flows, development, mark, roles)
        except PgflowError as error:
            if not _is_worth_repeating(error):
                raise
            waits_for = who_is_in_the_way(conninfo, LOCK_KEY) if is_lock(error) else ""
            if attempts_left == 0:
                raise _given_up(waits_for) if waits_for else error from error
            if waits_for:
                tell(f"waiting for {waits_for}")
            sleep(backoff.pause())
        else:
            return report


def _given_up(waits_for: str) -> MigrationFailed:
    return MigrationFailed(
        f"the migration needs a lock that others hold: {waits_for}",
        help="let them commit or end them (`select pg_terminate_backend(PID)`), and run it again",
    )


def _is_worth_repeating(error: PgflowError) -> bool:
    """Whether something stood in the way that passes; a server that is away is told at once."""
    cause = error.__cause__
    return cause is not None and refusal_of(cause) in (Refusal.CONFLICT, Refusal.BUSY)


def _migrate_once(
    conninfo: str,
    report: MigrationReport,
    flows: tuple[FlowMigration, ...],
    development: bool,
    mark: bool,
    roles: bool,
) -> None:
    with connected(conninfo) as connection:
        connection.execute(SQL("set local lock_timeout = {}").format(QUEUE_TIMEOUT))
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_KEY])
        connection.execute(SQL("set local lock_timeout = {}").format(LOCK_TIMEOUT))
        connection.execute("set local search_path = ''")
        connection.execute("set local client_min_messages = warning")
        _note_encoding(connection, report.notes)
        _migrate(connection, flows, report, development, mark, roles)
        if report.dry_run:
            connection.rollback()


def _note_encoding(connection: psycopg.Connection[Any], notes: list[str]) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        notes.append(
            f"this database is encoded in {encoding}: {what_is_wrong_with(encoding)};"
            " a database made with `encoding 'UTF8'` takes them all"
        )


def _migrate(
    connection: psycopg.Connection[Any],
    flows: tuple[FlowMigration, ...],
    report: MigrationReport,
    development: bool,
    mark: bool,
    roles: bool,
) -> None:
    require_trusted(connection)
    report.pgmq = ensure_pgmq(connection, report.notes)
    is_owned = has_roles(connection)
    if is_owned:
        act_as_owner(connection)
    report.core = install_core(connection, report.notes)
    require_trusted(connection)  # again: a name that was free may have been taken since
    if roles:
        act_as_self(connection)
        report.roles = ensure_roles(connection, report.notes)
        act_as_owner(connection)
    elif is_owned and report.core:
        grant_functions(connection)
    if mark:
        mark_development(connection)
    allowed = development or is_development(connection)
    report.flows, report.recreated = apply_flows(connection, flows, recreate=allowed)
    missing = connection.execute("select to_regprocedure('pgflow.schema_version()') is null").fetchone()
    if missing is None or missing[0]:
        raise MigrationFailed("the core's migrations ran but left no pgflow.schema_version()")
