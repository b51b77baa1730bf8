"""What makes tables grow and updates slow: dead rows, updates that are not HOT, archives nobody prunes."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pgflow_runtime.doctor.finding import Finding, note, ok, warning
from pgflow_runtime.doctor.inspection import Inspection

DEAD = 50_000
"""Dead rows below which a table is left in peace."""
UPDATES = 10_000
"""Updates below which a share says nothing."""
HOT = 0.5
GIGABYTE = 1024**3

_TABLES = sql.SQL(
    """(
      select * from pg_catalog.pg_stat_user_tables
      where schemaname = 'pgflow' or (schemaname = 'pgmq' and left(relname, 2) in ('q_', 'a_'))
    ) t"""
)


def check_bloat(inspection: Inspection) -> Iterator[Finding]:
    rows = inspection.rows(
        sql.SQL(
            """
        select format('%I.%I', schemaname, relname) as name, n_live_tup as live, n_dead_tup as dead,
          n_tup_upd as updates, n_tup_hot_upd as hot,
          greatest(last_vacuum, last_autovacuum)::timestamptz(0) as vacuumed
        from {tables} order by schemaname, relname
        """
        ).format(tables=_TABLES)
    )
    for row in rows:
        if row["dead"] > max(DEAD, row["live"]):
            yield warning(
                "bloat.dead-rows",
                f"{row['name']} holds {row['dead']:,} dead rows for {row['live']:,} live ones"
                f" (vacuumed last: {row['vacuumed'] or 'never'})",
                f"`vacuum {row['name']}`; if that does not help, something old is open"
                " (settings.transactions); if it comes again, set autovacuum_vacuum_cost_delay = 0 for it",
            )
        hot_share = row["hot"] / row["updates"] if row["updates"] > UPDATES else 1.0
        if row["name"] in ("pgflow.runs", "pgflow.step_states", "pgflow.step_tasks") and hot_share < HOT:
            yield warning(
                "bloat.hot",
                f"only {hot_share:.0%} of the updates of {row['name']} are HOT",
                "an index holds a column that changes (also in its predicate), or the fillfactor was changed;"
                f" compare `\\d+ {row['name']}` with a new database's",
            )


def check_size(inspection: Inspection) -> Iterator[Finding]:
    row = inspection.row(
        sql.SQL(
            """
        select
          coalesce(sum(pg_catalog.pg_total_relation_size(relid)), 0)::bigint as total,
          coalesce(
            sum(pg_catalog.pg_total_relation_size(relid)) filter (where left(relname, 2) = 'a_'), 0
          )::bigint as archives,
          coalesce(sum(n_live_tup) filter (where schemaname = 'pgflow' and relname = 'runs'), 0) as runs
        from {tables}
        """
        ).format(tables=_TABLES)
    )
    size = (
        f"pgflow and its queues take {_size(row['total'])}, archived messages {_size(row['archives'])} of it"
    )
    if row["total"] > 10 * GIGABYTE:
        yield note(
            "bloat.size",
            f"{size}; there are about {row['runs']:,} runs",
            "`pgflow-gen prune --older-than 30d`, or a worker with --retention 30d, forgets old ones",
        )
    else:
        yield ok("bloat.size", size)


def _size(count: int) -> str:
    value, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1024 or unit == "TB":
            break
        value /= 1024
    return f"{value:,.0f} {unit}"
