"""A run that nobody works on: said after a while, with the command that starts a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import psycopg

from pgflow_runtime.database import queries

PATIENCE = 3.0
"""Seconds of a run's waiting after which it is looked whether there is a worker."""

CommandOf: TypeAlias = Callable[[str], str]
"""From a flow's slug in the database to the command that starts a worker for it."""


def lonely_note(connection: psycopg.Connection[Any], flow_slug: str, command_of: CommandOf) -> str | None:
    """What to say when no worker serves a flow; None when one does."""
    row = connection.execute(queries.COUNT_WORKERS, {"flow_slug": flow_slug}).fetchone()
    if row is None or row[0]:
        return None
    return f"no worker of flow '{flow_slug}' is at work; start one: {command_of(flow_slug)}"
