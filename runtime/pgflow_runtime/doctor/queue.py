"""pgmq: which one it is, and whether each flow has its queue."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, ok, problem, warning
from pgflow_runtime.doctor.inspection import Inspection


def check_pgmq(inspection: Inspection) -> Iterator[Finding]:
    row = inspection.row(
        """
        select to_regnamespace('pgmq') is not null as is_there,
          (select extversion from pg_catalog.pg_extension where extname = 'pgmq') as extension,
          exists (
            select from pg_catalog.pg_attribute a
            join pg_catalog.pg_type t on t.typrelid = a.attrelid and t.typname = 'message_record'
            join pg_catalog.pg_namespace n on n.oid = t.typnamespace and n.nspname = 'pgmq'
            where a.attname = 'headers' and not a.attisdropped
          ) as has_headers
        """
    )
    kind = f"the extension {row['extension']}" if row["extension"] else "plain SQL"
    if not row["is_there"]:
        yield problem("pgmq.schema", "there is no pgmq in this database", "run `pgflow-gen migrate`")
    elif not row["has_headers"]:
        yield problem(
            "pgmq.schema",
            f"pgmq ({kind}) is older than 1.5: its messages have no headers",
            "`alter extension pgmq update`, or move its queues to a newer pgmq",
        )
    else:
        yield ok("pgmq.schema", f"pgmq, as {kind}")


def check_queues(inspection: Inspection) -> Iterator[Finding]:
    rows = inspection.rows(
        """
        select f.flow_slug, m.queue_name, coalesce(m.is_unlogged, false) as is_unlogged
        from pgflow.flows f
        left join pgmq.meta m on lower(m.queue_name) = lower(f.flow_slug)
        order by f.flow_slug
        """
    )
    for row in rows:
        if row["queue_name"] is None:
            yield problem(
                "pgmq.queue",
                f"flow '{row['flow_slug']}' has no queue: its runs cannot start",
                f"`select pgmq.create('{row['flow_slug']}')`",
            )
        elif row["is_unlogged"]:
            yield warning(
                "pgmq.unlogged",
                f"the queue of flow '{row['flow_slug']}' is unlogged: a crash of the server empties it,"
                " and its runs stand still",
                f"`alter table pgmq.q_{row['flow_slug'].lower()} set logged` while no worker is at work",
            )
