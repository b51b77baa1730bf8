"""Schemas are found by name, and whoever may create one may take a name before us: whose are they?

What is in these schemas runs with the rights of who migrates and of the core's owner. So each must belong to
somebody who may act as them anyway (themselves, a superuser, a member of their role), or to an extension of
such a one's; the core's may belong to the role for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pgflow_runtime.errors import UntrustedSchema
from pgflow_runtime.migrate.roles import OWNER

_QUERY = """
with trusted as (
  select r.oid
  from pg_catalog.pg_roles r
  where r.rolname = %(owner)s
    or (select bool_and(pg_has_role(r.oid, u.name, 'member')) from unnest(%(users)s::name[]) u(name))
),
-- what we call or read there; null: everything, '': nothing
used (schema, routine, relation) as (
  values ('pgflow', null, null), ('pgmq', null, 'meta'), ('realtime', 'send', ''),
    ('net', 'http_post', ''), ('cron', 'schedule', 'job_run_details'), ('cron', 'unschedule', ''),
    ('vault', null, 'decrypted_secrets')
),
found as (
  select 1 as rank, 'schema' as kind, format('%%I', n.nspname) as name, n.nspowner as owner,
    'pg_namespace'::regclass as catalog, n.oid
  from pg_catalog.pg_namespace n
  where n.nspname in (select u.schema from used u)
  union all
  select 2, 'function', p.oid::regprocedure::text, p.proowner, 'pg_proc'::regclass, p.oid
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join used u on u.schema = n.nspname and coalesce(u.routine, p.proname) = p.proname
  union all
  select 2, case when c.relkind = 'v' then 'view' else 'table' end, c.oid::regclass::text, c.relowner,
    'pg_class'::regclass, c.oid
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join used u on u.schema = n.nspname and coalesce(u.relation, c.relname) = c.relname
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
),
foreign_ones as (
  select f.rank, f.kind, f.name, pg_get_userbyid(f.owner)::text as owner, null::text as remedy
  from found f
  where f.owner not in (select t.oid from trusted t)
    and not exists (
      select
      from pg_catalog.pg_depend d
      join pg_catalog.pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
      where d.classid = f.catalog and d.objid = f.oid and d.deptype = 'e'
        and e.extowner in (select t.oid from trusted t)
    )
  union all
  -- who may create beside what is there can add a function that fits a call better
  select 3, 'create', format('%%I', n.nspname),
    case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee)::text end,
    format('revoke create on schema %%I from %%s', n.nspname,
      case when a.grantee = 0 then 'public' else a.grantee::regrole::text end)
  from pg_catalog.pg_namespace n, aclexplode(n.nspacl) a
  where n.nspname in ('pgflow', 'pgmq', 'net', 'cron')
    and a.privilege_type = 'CREATE'
    and a.grantee not in (select t.oid from trusted t)
    and a.grantee <> n.nspowner
)
select kind, name, owner, remedy from foreign_ones order by rank, name, owner
"""


@dataclass(frozen=True, slots=True)
class Intruder:
    """Something that belongs to somebody else. ``way_out`` is a statement."""

    what: str
    owner: str
    way_out: str

    @property
    def help(self) -> str:
        return f"if {self.owner} is not to have that power: {self.way_out}"


def intruders(connection: psycopg.Connection[Any], users: Sequence[str]) -> list[Intruder]:
    """All that could run with the rights of ``users``, and belongs to somebody who has not all of these."""
    rows = connection.execute(_QUERY.encode(), {"users": list(users), "owner": OWNER}).fetchall()
    return [_intruder(kind, name, owner, remedy, users[0]) for kind, name, owner, remedy in rows]


def require_trusted(connection: psycopg.Connection[Any]) -> None:
    """Raises UntrustedSchema, naming the schema or what is in it, and its owner."""
    users = connection.execute("select session_user::text, current_user::text").fetchone()
    assert users is not None
    found = intruders(connection, users)
    if not found:
        return
    first, more = found[0], len(found) - 1
    others = f" ({more} more like it)" if more else ""
    raise UntrustedSchema(
        f"{first.what}{others}: {first.owner} could run programs with the rights of who migrates, and of the"
        " core's owner; nothing was changed",
        help=f"{first.help}; or migrate as {first.owner}" if first.owner != "PUBLIC" else first.help,
    )


def _intruder(kind: str, name: str, owner: str, remedy: str | None, user: str) -> Intruder:
    if remedy is not None:
        return Intruder(f"{owner} may create functions in the schema {name}", owner, remedy)
    way_out = f"alter {kind} {name} owner to {sql.Identifier(user).as_string()}"
    if kind == "schema":
        way_out = f"alter schema {name} rename to {name}_old; else take it over: {way_out}"
    return Intruder(f"the {kind} {name} belongs to {owner}", owner, way_out)
