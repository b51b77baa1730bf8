"""A step of a run: its tasks as a grid, what it got and gave; and one task alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.pages.run import VALUE_BYTES, RunView, read_run, read_values, whole_value
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.kin import read_children, read_children_of_task
from pgflow_runtime.dashboard.reading.reader import Row
from pgflow_runtime.dashboard.text import SHOWN
from pgflow_runtime.dashboard.web import Site, id_of, page, site_of

GRID = 1000
"""Tasks on a page of the grid."""
LIST = 50
"""Tasks on a page of those that were chosen."""
THOSE = {
    "failed": "failed",
    "cancelled": "cancelled",
    "retried": "tried again",
    "polling": "polling",
    "slowest": "slowest",
}
"""Which tasks of a map may be asked for alone."""
LARGEST_INDEX = 2**31 - 1


async def show(request: Request) -> Response:
    site = site_of(request)
    run_id, slug = id_of(request), request.path_params["step"]
    view = await read_run(site, run_id)
    step = _step_of(view, slug)
    first = _first(request.query_params.get("first"))
    those = request.query_params.get("those") or None
    if those is not None and those not in THOSE:
        raise HTTPException(400, f"Tasks can be chosen by: {', '.join(THOSE)}.")
    at = {"run_id": run_id, "step": slug, "first": first}
    if those is None:
        tasks = await site.reader.rows(statements.TASKS, **at, limit=GRID)
    else:
        tasks = await site.reader.rows(statements.FIND_TASKS, **at, those=those, limit=LIST + 1)
    only = await _task(site, run_id, slug, 0) if step["step_type"] == "single" and tasks else None
    children: list[Row] = []
    if step["kind"] == "subflow" and step["step_type"] == "map":
        children = await read_children(site.reader, run_id, slug, first=first, limit=GRID)
    elif step["kind"] == "subflow":
        children = await read_children_of_task(site.reader, run_id, slug, 0)
    values = await read_values(site, run_id)
    sources = view.flow.dependencies.get(slug, [])
    contract = site.flows.contract(view.run["flow_slug"])
    handler = contract.steps.get(slug) if contract is not None else None
    return page(
        request,
        "step.html",
        {
            "title": f"Step {slug}",
            "run": view.run,
            "step": step,
            "tasks": tasks,
            "only": only,
            "children": children,
            "polls_until": _polls_until(only),
            "first": first,
            "grid": GRID,
            "list": LIST,
            "those": those,
            "choices": THOSE,
            "now": datetime.now(UTC),
            "values": values,
            "sources": sources,
            "handler": f"{handler.module}:{handler.function}" if handler is not None else None,
        },
    )


async def show_task(request: Request) -> Response:
    site = site_of(request)
    run_id, slug, index = id_of(request), request.path_params["step"], request.path_params["index"]
    if index > LARGEST_INDEX:
        raise HTTPException(404, "There is no such task.")
    view = await read_run(site, run_id)
    step = _step_of(view, slug)
    task = await _task(site, run_id, slug, index)
    if task is None:
        raise HTTPException(404, "There is no such task.")
    is_subflow = step["kind"] == "subflow"
    values = {
        "children": await read_children_of_task(site.reader, run_id, slug, index) if is_subflow else [],
        "now": datetime.now(UTC),
        "title": f"Task {index} of {slug}",
        "run": view.run,
        "step": step,
        "task": task,
        "polls_until": _polls_until(task),
    }
    return page(request, "task.html", values)


async def output(request: Request) -> Response:
    """A step's output, whole."""
    return await whole_value(request, request.path_params["step"], "output")


def _step_of(view: RunView, slug: str) -> dict[str, object]:
    for step in view.steps:
        if step["step_slug"] == slug:
            return step
    raise HTTPException(404, "There is no such step in this run.")


async def _task(site: Site, run_id: UUID, slug: str, index: int) -> Row | None:
    limits = {"max_bytes": VALUE_BYTES, "max_chars": SHOWN + 1}
    row = await site.reader.row(statements.TASK, run_id=run_id, step=slug, index=index, **limits)
    task: Row | None = row["task"] if row is not None else None
    if task is not None:
        _read_times(task, "queued_at", "started_at", "ended_at", "due_at")
        for item in task["attempt_errors"] or ():
            _read_times(item, "at")
    return task


def _read_times(row: dict[str, Any], *names: str) -> None:
    for name in names:
        row[name] = datetime.fromisoformat(row[name]) if row[name] else None


def _polls_until(task: Row | None) -> datetime | None:
    """When a task that asked to run again is due."""
    errors = (task or {}).get("attempt_errors") or []
    if task is None or task["status"] != "queued" or not errors or "again_in" not in errors[-1]:
        return None
    due: datetime = errors[-1]["at"] + timedelta(seconds=errors[-1]["again_in"])
    return due


def _first(text: str | None) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST_INDEX:
        raise HTTPException(400, "There is no such part of the grid.")
    return int(text)
