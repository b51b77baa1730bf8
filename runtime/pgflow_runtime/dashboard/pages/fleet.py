"""Workers and queues: who is there to work, and what waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.web import page, site_of

ALIVE_SECONDS = 30
"""A worker that beats and was silent for longer is taken for dead; its tasks go to others (see the core)."""


PRESENT = ("working", "finishing", "quiet")


async def workers(request: Request) -> Response:
    rows = await site_of(request).reader.rows(statements.WORKERS)
    found = [
        {**row, **_whereabouts(row), "state": state_of(row), "silent_seconds": silent_seconds(row)}
        for row in rows
    ]
    order = ["working", "finishing", "quiet", "silent", "stopped"]
    found.sort(key=lambda row: order.index(row["state"]))
    values = {
        "title": "Workers",
        "present": [row for row in found if row["state"] in PRESENT],
        "gone": [row for row in found if row["state"] not in PRESENT],
    }
    return page(request, "workers.html", values)


async def queues(request: Request) -> Response:
    rows = await site_of(request).reader.rows(statements.QUEUES)
    return page(request, "queues.html", {"title": "Queues", "queues": rows})


def _whereabouts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Host, process id and slots, as far as the worker has told; others register as they like."""
    told = row["details"] if isinstance(row["details"], dict) else {}
    return {key: told.get(key, "") for key in ("host", "pid", "slots")}


def silent_seconds(row: Mapping[str, Any]) -> float:
    """Seconds since the last heartbeat."""
    return max(float((row["now"] - row["last_heartbeat_at"]).total_seconds()), 0.0)


def state_of(row: Mapping[str, Any]) -> str:
    """working, finishing (it was asked to), silent (no heartbeat), stopped, or quiet: one that promised no
    heartbeat while it works, so that nobody can tell whether it does."""
    if row["stopped_at"] is not None:
        return "stopped"
    if silent_seconds(row) > ALIVE_SECONDS:
        return "silent" if row["beats"] else "quiet"
    return "working" if row["deprecated_at"] is None else "finishing"
