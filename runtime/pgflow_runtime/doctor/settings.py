"""Settings and sessions that hurt: durability, autovacuum, forgotten transactions and slots."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, note, ok, problem, unseen, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_shared.text import counted

IDLE, LONG = 300, 3600
"""Seconds a transaction may stand open idle, or at work, before it is worth a word."""


def check_settings(inspection: Inspection) -> Iterator[Finding]:
    values = {
        row["name"]: row["setting"]
        for row in inspection.rows(
            "select name, setting from pg_catalog.pg_settings where name = any(%s)",
            [["fsync", "full_page_writes", "synchronous_commit", "autovacuum", "track_counts"]],
        )
    }
    bad = [name for name in ("fsync", "full_page_writes") if values.get(name) == "off"]
    if bad:
        yield problem(
            "settings.durability",
            f"{' and '.join(bad)} off: after a crash of the machine the whole database may be lost",
            f"set {' and '.join(f'{name} = on' for name in bad)}, unless all in it may be lost",
        )
    elif values.get("synchronous_commit") == "off":
        yield warning(
            "settings.durability",
            "synchronous_commit is off: a crash may undo the last completions, and their handlers run again",
            "set it on, unless that is meant",
        )
    else:
        yield ok("settings.durability", "commits are durable")
    off = [name for name in ("autovacuum", "track_counts") if values.get(name) == "off"]
    if off:
        yield problem(
            "settings.autovacuum",
            f"{' and '.join(off)} off: queues and states grow with every task, and get slow",
            f"set {' and '.join(f'{name} = on' for name in off)}",
        )


def check_transactions(inspection: Inspection) -> Iterator[Finding]:
    """Open transactions keep vacuum from removing what died after they began, in all tables."""
    rows = inspection.rows(
        """
        select a.pid, a.usename, a.application_name, a.state,
          extract(epoch from clock_timestamp() - a.xact_start)::bigint as seconds
        from pg_catalog.pg_stat_activity a
        where a.datname = current_database() and a.pid <> pg_backend_pid() and (
          (a.state like 'idle in transaction%%' and a.xact_start < now() - make_interval(secs => %(idle)s))
          or (a.backend_xmin is not null and a.xact_start < now() - make_interval(secs => %(long)s))
        )
        order by a.xact_start
        """,
        {"idle": IDLE, "long": LONG},
    )
    if rows:
        worst = rows[0]
        who = f"{worst['usename']}, {worst['application_name'] or 'no application name'}, pid {worst['pid']}"
        yield warning(
            "settings.transactions",
            f"{counted(len(rows), 'transaction')} open for long, the oldest {worst['state']} for"
            f" {worst['seconds']:,} s ({who}): vacuum cannot remove what died since",
            f"end the oldest: `select pg_terminate_backend({worst['pid']})`;"
            " set idle_in_transaction_session_timeout",
        )
    else:
        yield ok("settings.transactions", "no transaction has been open for long")
    sees = inspection.row(
        """
        select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as all_sessions,
          (select count(*) from pg_catalog.pg_prepared_xacts
           where prepared < clock_timestamp() - make_interval(secs => %(idle)s)) as prepared
        """,
        {"idle": IDLE},
    )
    if sees["prepared"]:
        yield warning(
            "settings.transactions",
            f"{counted(sees['prepared'], 'prepared transaction')} left open",
            "see pg_prepared_xacts; `rollback prepared` what nobody will finish",
        )
    if not sees["all_sessions"]:
        yield unseen(
            "settings.transactions",
            "the transactions of other users",
            "let an administrator grant pg_read_all_stats (or pg_monitor) to this user",
        )


def check_slots(inspection: Inspection) -> Iterator[Finding]:
    rows = inspection.rows(
        """
        select slot_name from pg_catalog.pg_replication_slots
        where not active and (xmin is not null or catalog_xmin is not null or restart_lsn is not null)
        order by slot_name
        """
    )
    if rows:
        names = ", ".join(row["slot_name"] for row in rows)
        yield note(
            "settings.slots",
            f"replication slots that nobody reads: {names}; they hold back WAL, and vacuum",
            "`select pg_drop_replication_slot(...)` for those that nobody will read again",
        )
