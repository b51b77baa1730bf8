"""Roles of a database cluster for owner, workers, clients and operators: ``migrate --roles``.

Nobody but the owner touches a table: workers and clients call functions, which run with the owner's rights,
and read views.
Roles belong to the whole cluster and are shared by its databases; ownership and grants are per database.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import errors as pg
from psycopg import sql

from pgflow_runtime.errors import PermissionDenied
from pgflow_runtime.migrate.realtime import open_realtime
from pgflow_sql.surface import callable_by

OWNER: Final = "pgflow_owner"
WORKER: Final = "pgflow_worker"
CLIENT: Final = "pgflow_client"
OPERATOR: Final = "pgflow_operator"

CALLERS: Final = {WORKER: "worker", CLIENT: "client", OPERATOR: "operator"}
"""Each role may call and read what the heads of the core's files say is for it, and nothing else; an operator
is a client besides."""

_ATTEMPTS: Final = 20
_RACES = (pg.DuplicateObject, pg.UniqueViolation, pg.InternalError_)
"""What another migrator, in another database of the cluster, makes of our statement: it was there first, or
at the same row of a shared catalogue."""


def has_roles(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database's core belongs to the role for it."""
    row = connection.execute(
        "select pg_get_userbyid(nspowner) = %s from pg_catalog.pg_namespace where nspname = 'pgflow'", [OWNER]
    ).fetchone()
    return bool(row and row[0])


def ensure_roles(connection: psycopg.Connection[Any], notes: list[str]) -> list[str]:
    """Create the roles, hand the core to its owner, and grant what each may do; safe to repeat.

    Returns the names of the roles that were created. Raises PermissionDenied with a way out.
    """
    try:
        created = [name for name in (OWNER, *CALLERS) if _create(connection, name)]
        _join(connection, OWNER)
        _include(connection, OPERATOR, CLIENT)
    except pg.InsufficientPrivilege as error:
        raise PermissionDenied(
            f"the roles cannot be set up: {error.diag.message_primary}",
            help=f"let an administrator run: create role {OWNER}; create role {WORKER};"
            f" create role {CLIENT}; create role {OPERATOR} in role {CLIENT};"
            f" grant {OWNER} to <this user>; and repeat",
        ) from error
    _open_queues(connection)
    _hand_over(connection)
    grant_functions(connection)
    open_realtime(connection, OWNER, notes)
    return created


def grant_functions(connection: psycopg.Connection[Any]) -> None:
    """Let each role call its functions and read its views of the present core, no others.

    A role that is not there was set up by an older release: ``ensure_roles`` makes it.
    """
    query = "select rolname from pg_catalog.pg_roles where rolname = any(%s)"
    present = {name for (name,) in connection.execute(query, [list(CALLERS)]).fetchall()}
    for role, caller in CALLERS.items():
        if role not in present:
            continue
        who = sql.Identifier(role)
        for kind in ("tables", "sequences", "functions"):
            revoke = sql.SQL("revoke all on all {} in schema pgflow from {}")
            connection.execute(revoke.format(sql.SQL(kind), who))
        connection.execute(sql.SQL("revoke all on schema pgflow from {}").format(who))
        connection.execute(sql.SQL("grant usage on schema pgflow to {}").format(who))
        for kind, grant in (
            ("function", sql.SQL("grant execute on function {} to {}")),
            ("view", sql.SQL("grant select on {} to {}")),
        ):
            names = [sql.Identifier("pgflow", name) for name in callable_by(caller, kind)]
            if names:
                connection.execute(grant.format(sql.SQL(", ").join(names), who))


def act_as_owner(connection: psycopg.Connection[Any]) -> None:
    """Until the transaction ends, or ``act_as_self``: what is made belongs to the core's owner."""
    try:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
    except pg.InsufficientPrivilege as error:
        raise PermissionDenied(
            f"this database's core belongs to the role {OWNER}: {error.diag.message_primary}",
            help=f"let an administrator run: grant {OWNER} to <this user>",
        ) from error


def act_as_self(connection: psycopg.Connection[Any]) -> None:
    """End ``act_as_owner``."""
    connection.execute("reset role")


def _create(connection: psycopg.Connection[Any], name: str) -> bool:
    """Create a role that may not log in; False if it is there, perhaps since a moment ago."""
    query = "select exists (select from pg_catalog.pg_roles where rolname = %s)"
    found = connection.execute(query, [name]).fetchone()
    if found and found[0]:
        return False
    try:
        with connection.transaction():
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
    except (pg.DuplicateObject, pg.UniqueViolation):
        return False
    return True


def _join(connection: psycopg.Connection[Any], role: str) -> None:
    """Make sure that we can act as the role: who creates one is no full member of it by that alone."""
    for attempt in range(_ATTEMPTS):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
                connection.execute("reset role")
            return
        except pg.InsufficientPrivilege:
            pass
        try:
            with connection.transaction():
                connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
        except _RACES:
            if attempt == _ATTEMPTS - 1:
                raise


def _include(connection: psycopg.Connection[Any], role: str, other: str) -> None:
    """Make sure that a role is a member of another one and may do whatever that may."""
    query = "select pg_has_role(%s, %s, 'member')"
    for attempt in range(_ATTEMPTS):
        row = connection.execute(query, [role, other]).fetchone()
        if row and row[0]:
            return
        try:
            with connection.transaction():
                grant = sql.SQL("grant {} to {}").format(sql.Identifier(other), sql.Identifier(role))
                connection.execute(grant)
        except _RACES:
            if attempt == _ATTEMPTS - 1:
                raise


def _open_queues(connection: psycopg.Connection[Any]) -> None:
    """The owner makes, uses and drops the flows' queues; queues of others it leaves alone."""
    who = sql.Identifier(OWNER)
    for what in (
        "usage, create on schema pgmq",
        "select, insert, update, delete on table pgmq.meta",
        "execute on all functions in schema pgmq",
    ):
        connection.execute(sql.SQL("grant {} to {}").format(sql.SQL(what), who))
    rows = connection.execute(
        """
        select c.relname
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'pgmq'
        join pgflow.flows f on c.relname in ('q_' || lower(f.flow_slug), 'a_' || lower(f.flow_slug))
        where c.relkind in ('r', 'p') and pg_get_userbyid(c.relowner) <> %s
        """,
        [OWNER],
    ).fetchall()
    for (name,) in rows:
        statement = sql.SQL("alter table {} owner to {}")
        connection.execute(statement.format(sql.Identifier("pgmq", name), who))


def _hand_over(connection: psycopg.Connection[Any]) -> None:
    """All that is in the schema becomes the owner's; indexes and row types follow their tables."""
    rows = connection.execute(
        """
        select format('schema %%I', nspname)
        from pg_catalog.pg_namespace where nspname = 'pgflow' and nspowner <> %(owner)s::regrole
        union all
        select format('table %%s', oid::regclass)
        from pg_catalog.pg_class
        where relnamespace = 'pgflow'::regnamespace and relkind in ('r', 'p', 'v')
          and relowner <> %(owner)s::regrole
        union all
        select format('type %%s', t.oid::regtype)
        from pg_catalog.pg_type t
        left join pg_catalog.pg_class c on c.oid = t.typrelid
        where t.typnamespace = 'pgflow'::regnamespace and t.typowner <> %(owner)s::regrole
          and (c.relkind = 'c' or t.typtype in ('d', 'e'))
        union all
        select format('routine %%s', oid::regprocedure)
        from pg_catalog.pg_proc
        where pronamespace = 'pgflow'::regnamespace and proowner <> %(owner)s::regrole
        """,
        {"owner": OWNER},
    ).fetchall()
    for (what,) in rows:
        connection.execute(f"alter {what} owner to {OWNER}".encode())
