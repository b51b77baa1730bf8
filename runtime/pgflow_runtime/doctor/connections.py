"""The connection budget: what the server allows, what is in use, and what the workers may come to need."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, ok, problem, warning
from pgflow_runtime.doctor.inspection import SILENCE, Inspection
from pgflow_runtime.worker.process.options import make_config
from pgflow_shared.text import counted

BUSY, FULL = 0.75, 0.9


def check_use(inspection: Inspection) -> Iterator[Finding]:
    allowed, used = _allowed(inspection)
    share = used / max(allowed, 1)
    text = f"{used} of {counted(allowed, 'connection')} in use"
    help = "see who holds them in pg_stat_activity; raise max_connections, or put a pooler in front"
    if share > BUSY:
        yield (problem if share > FULL else warning)("connections.use", text, help)
    else:
        yield ok("connections.use", text)


def check_budget(inspection: Inspection) -> Iterator[Finding]:
    """A process serves several flows, so the flow with the most workers says how many there are at least."""
    row = inspection.row(
        """
        select coalesce(max(n), 0) as processes from (
          select count(*) as n from pgflow.workers
          where beats and stopped_at is null
            and last_heartbeat_at > now() - make_interval(secs => %(silence)s)
          group by queue_name
        ) w
        """,
        {"silence": SILENCE},
    )
    config = make_config({}, inspection.env)
    maintenance, listen = 1, 0 if config.poll_only else 1
    each = config.max_pg_connections + maintenance + listen + config.handler_connections
    allowed, _ = _allowed(inspection)
    most = row["processes"] * each
    if most > allowed:
        yield warning(
            "connections.budget",
            f"the worker processes, {row['processes']} at least, may come to need {most} connections"
            f" ({each} each); the server allows {allowed}",
            "lower PGFLOW_MAX_HANDLER_CONNECTIONS to what handlers use at a time, raise max_connections,"
            " or put a pooler in front (with --poll-only)",
        )


def _allowed(inspection: Inspection) -> tuple[int, int]:
    """Connections for ordinary users, and those in use."""
    row = inspection.row(
        """
        select current_setting('max_connections')::int
          - current_setting('superuser_reserved_connections')::int
          - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int as allowed,
          (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'client backend') as used
        """
    )
    return int(row["allowed"]), int(row["used"])
