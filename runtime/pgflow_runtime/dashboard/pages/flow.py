"""Flows: their graphs, types and settings, and how their runs have been doing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dashboard.drawing.graph import draw
from pgflow_runtime.dashboard.drawing.plots import draw_columns, draw_lines
from pgflow_runtime.dashboard.orders.actions import OUTCOMES
from pgflow_runtime.dashboard.orders.trail import read_trail
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.flows import DashboardFlow
from pgflow_runtime.dashboard.reading.reader import Row
from pgflow_runtime.dashboard.types import definitions_of, type_words
from pgflow_runtime.dashboard.web import form_page, page, refused_status, site_of
from pgflow_runtime.errors import PgflowError
from pgflow_shared.companions import flow_of

SPANS = {
    "1h": ("hour", timedelta(hours=1), 60),
    "1d": ("day", timedelta(days=1), 96),
    "7d": ("7 days", timedelta(days=7), 84),
}

RATED = 2000
"""Runs of each flow that failure rates are made from."""
RUNS = 300
"""Runs whose tasks are looked at for the table of steps."""


async def show_all(request: Request) -> Response:
    site = site_of(request)
    rows = await site.reader.rows(statements.FLOWS)
    queues = {row["flow_slug"]: row for row in await site.reader.rows(statements.QUEUES)}
    recent = timedelta(days=1)
    rates = await site.reader.rows(statements.FAILURE_RATES, recent=recent, most=RATED)
    rated = {row["flow_slug"]: row for row in rates}
    contracts = site.flows.contracts()
    known = {row["flow_slug"] for row in rows}
    companions = _companions(known)
    values = {
        "title": "Flows",
        "flows": [
            {
                **row,
                "queue": queues.get(slug),
                "rate": rated.get(slug),
                "companions": companions.get(slug, []),
            }
            for slug, row in ((row["flow_slug"], row) for row in rows)
            if flow_of(slug) not in known
        ],
        "rated": RATED,
        "contracts": contracts,
        "missing": [slug for slug in contracts if slug not in known],
    }
    return page(request, "flows.html", values)


async def show(request: Request) -> Response:
    return await _page(request, None)


async def show_refused(request: Request, error: PgflowError) -> Response:
    """The page of a flow that could not be paused or resumed, and why."""
    return await _page(request, error)


async def _page(request: Request, fault: PgflowError | None) -> Response:
    site = site_of(request)
    slug = request.path_params["flow"]
    flow = await find(request, slug)
    span = request.query_params.get("span") or "1h"
    if span not in SPANS:
        raise HTTPException(400, f"There is no time span '{span}'. There are: {', '.join(SPANS)}.")
    _, recent, parts = SPANS[span]
    measured = await site.reader.rows(statements.MEASURE_RUNS, flow=slug, recent=recent, parts=parts)
    steps = await site.reader.rows(statements.MEASURE_STEPS, flow=slug, recent=recent, runs=RUNS)
    queue = next((q for q in await site.reader.rows(statements.QUEUES) if q["flow_slug"] == slug), None)
    contract = site.flows.contract(slug)
    values = {
        "title": f"Flow {slug}",
        "flow": flow,
        "contract": contract,
        "of": flow_of(slug),
        "companions": _companions(await site.flows.slugs()).get(slug, []),
        "is_same": contract is None or _same(contract, flow),
        "types": _types(contract),
        "pictures": [draw(flow.dependencies, "right"), draw(flow.dependencies, "down")],
        "span": span,
        "spans": {name: words for name, (words, _, _) in SPANS.items()},
        "measured": measured,
        "totals": _totals(measured),
        "plots": _plots(measured),
        "steps": {row["step_slug"]: row for row in steps},
        "queue": queue,
        "looked_at": RUNS,
        "is_paused": await site.flows.is_paused(slug),
        "trail": await read_trail(site.reader, flow=slug),
        "done": OUTCOMES.get(request.query_params.get("did", "")),
        "fault": fault,
    }
    return form_page(request, "flow.html", values, 200 if fault is None else refused_status(fault))


def _companions(slugs: Iterable[str]) -> dict[str, list[str]]:
    """Flow -> what the ends of its runs start."""
    found: dict[str, list[str]] = {}
    for slug in sorted(slugs):
        if (flow := flow_of(slug)) is not None:
            found.setdefault(flow, []).append(slug)
    return found


async def find(request: Request, slug: str) -> DashboardFlow:
    """A flow of the database. Raises 404."""
    flow = await site_of(request).flows.find(slug) if "\0" not in slug else None
    if flow is None:
        raise HTTPException(404, "There is no such flow in this database.")
    return flow


def _same(contract: FlowContract, flow: DashboardFlow) -> bool:
    return bool(contract.structure["steps"] == flow.definition["structure"]["steps"])


def _types(contract: FlowContract | None) -> Mapping[str, Any] | None:
    """Types in words: of the flow's input and output, of each step, and the named ones they mention."""
    if contract is None:
        return None
    properties = contract.schema["properties"]
    raw: Mapping[str, Any] = contract.schema["x-pgflow"]["steps"]
    return {
        "input": type_words(properties["input"]),
        "output": type_words(properties["output"]),
        "steps": {slug: type_words(step["output"]) for slug, step in raw.items()},
        "definitions": definitions_of(contract.schema),
    }


def _plots(measured: Sequence[Row]) -> dict[str, Any]:
    times = [row["part_at"] for row in measured]
    columns = {
        "completed": [row["completed_count"] for row in measured],
        "failed": [row["failed_count"] for row in measured],
        "cancelled": [row["cancelled_count"] for row in measured],
        "started": [
            row["run_count"] - row["completed_count"] - row["failed_count"] - row["cancelled_count"]
            if row["run_count"] is not None
            else None
            for row in measured
        ],
    }
    lines = {
        "p50": [row["duration_p50_seconds"] for row in measured],
        "p95": [row["duration_p95_seconds"] for row in measured],
    }
    return {
        "runs": draw_columns(times, list(columns.items())),
        "seconds": draw_lines(times, list(lines.items())),
    }


def _totals(measured: Sequence[Row]) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(row[name] or 0 for row in measured)

    halves = sorted(
        row["duration_p50_seconds"] for row in measured if row["duration_p50_seconds"] is not None
    )
    worst = [row["duration_p95_seconds"] for row in measured if row["duration_p95_seconds"] is not None]
    return {
        "runs": total("run_count"),
        "completed": total("completed_count"),
        "failed": total("failed_count"),
        "cancelled": total("cancelled_count"),
        "is_cut": any(row["run_count"] is None for row in measured),
        "typical": halves[len(halves) // 2] if halves else None,
        "worst": max(worst, default=None),
    }
