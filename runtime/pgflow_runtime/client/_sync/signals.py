# Made from client/_async/signals.py by scripts/async_to_sync.py; edit that one.
"""Sending signals: to a run, or to all that have a key; and who waits for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from psycopg import Connection

from pgflow_runtime.client._sync.transaction import rows_on
from pgflow_runtime.client._sync.watcher import Watcher
from pgflow_runtime.database import queries
from pgflow_runtime.errors import RunNotFound, UsageError
from pgflow_runtime.runs.signals import SignalOutcome, WaitingSignal


def send_signal(
    watcher: Watcher,
    run_id: UUID,
    step_slug: str,
    text: str,
    dedupe: str | None,
    conn: Connection[Any] | None,
) -> SignalOutcome:
    """What became of a payload, given as JSON. Raises RunNotFound, UsageError, what the database says."""
    values: Mapping[str, object] = {
        "run_ids": [run_id],
        "step_slugs": [step_slug],
        "payloads": [text],
        "dedupes": [dedupe],
    }
    if conn is None:
        rows = watcher.fetch_all(queries.SEND_SIGNALS, values)
    else:
        rows = rows_on(conn, queries.SEND_SIGNALS, values)
    (outcome,) = (row[0] for row in rows)
    if outcome == "no such run":
        raise RunNotFound(f"there is no run {run_id} in this database")
    if outcome == "no such signal":
        raise UsageError(
            f"the flow of run {run_id} has no signal '{step_slug}' in this database",
            help="deploy code and migration together: `pgflow-gen build`, `pgflow-gen migrate`",
        )
    return cast(SignalOutcome, outcome)


def send_by_key(
    watcher: Watcher, values: Mapping[str, object], conn: Connection[Any] | None
) -> dict[UUID, SignalOutcome]:
    """What became of a payload, by run that has the key. Raises what the database says."""
    if conn is None:
        rows = watcher.fetch_all(queries.SEND_BY_KEY, values)
    else:
        rows = rows_on(conn, queries.SEND_BY_KEY, values)
    return dict(rows)


def list_waiting(
    watcher: Watcher, flow_slug: str | None, step_slug: str | None, max_count: int
) -> list[WaitingSignal]:
    """Who waits, those that wait longest first. Raises what the database says."""
    values = {
        "flow_slug": flow_slug,
        "step_slug": step_slug,
        "limit": max_count,
        "after_since": None,
        "after_run_id": None,
        "after_step_slug": None,
    }
    return [WaitingSignal(*row) for row in watcher.fetch_all(queries.LIST_WAITING, values)]
