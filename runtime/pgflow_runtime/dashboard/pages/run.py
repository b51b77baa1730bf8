"""A run: its graph, its timeline, its steps, what went in and came out; and the stream of its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from pgflow_runtime.dashboard.drawing.graph import draw
from pgflow_runtime.dashboard.drawing.timeline import draw_timeline
from pgflow_runtime.dashboard.orders.actions import ACTIONS, OUTCOMES
from pgflow_runtime.dashboard.orders.trail import read_trail
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.flows import DashboardFlow
from pgflow_runtime.dashboard.reading.kin import read_companions, read_only_children
from pgflow_runtime.dashboard.reading.reader import Row
from pgflow_runtime.dashboard.text import SHOWN, word
from pgflow_runtime.dashboard.web import Site, form_page, id_of, refused_status, site_of
from pgflow_runtime.database.moments import read_moment
from pgflow_runtime.errors import PgflowError
from pgflow_shared.companions import flow_of
from pgflow_shared.statuses import FINAL

VALUE_BYTES = 100_000
"""Where it is stored: a larger value is not shown but offered for download."""
TASKS_DRAWN = 12
"""Tasks of a map that the timeline shows."""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as one reading shows it; times are datetimes."""

    run: Mapping[str, Any]
    steps: list[dict[str, Any]]
    """In an order in which they could run, each with its type and its counts of tasks."""
    flow: DashboardFlow

    @property
    def is_final(self) -> bool:
        return self.run["status"] in FINAL


async def read_run(site: Site, run_id: UUID) -> RunView:
    """Raises 404."""
    progress, counts, flow = await read_progress(site, run_id)
    run = dict(progress["run"])
    for name in ("started_at", "completed_at", "failed_at", "cancelled_at", "held_at", "begins_at"):
        run[name] = _time(run.get(name))
    origin = run.get("origin")
    if origin is not None:
        run["origin"] = {**origin, "fire_at": _time(origin.get("fire_at"))}
    run["ended_at"] = run["completed_at"] or run["failed_at"] or run["cancelled_at"]
    states = {row["step_slug"]: row for row in progress["steps"]}
    types, kinds = flow.types, flow.kinds
    steps = []
    for slug in [*flow.dependencies, *(slug for slug in states if slug not in types)]:
        if slug in states:
            step = _step(run, states[slug], types.get(slug, "single"), counts.get(slug))
            steps.append({**step, "kind": kinds.get(slug, "task")})
    run["step_count"] = len(steps)
    return RunView(run, steps, flow)


async def read_progress(site: Site, run_id: UUID) -> tuple[Mapping[str, Any], dict[str, Row], DashboardFlow]:
    """Raises 404."""
    counts = {row["step_slug"]: row for row in await site.reader.rows(statements.TASK_COUNTS, run_id=run_id)}
    progress = await site.reader.progress(run_id, counts)
    if progress is None:
        raise HTTPException(404, "There is no such run in this database. It may have been pruned.")
    flow = await site.flows.find(progress["run"]["flow_slug"])
    if flow is None:
        raise HTTPException(404, "This run's flow has been deleted.")
    return progress, counts, flow


async def show(request: Request) -> Response:
    site = site_of(request)
    run_id = id_of(request)
    return await _page(request, await read_run(site, run_id), None)


async def show_refused(request: Request, error: PgflowError) -> Response:
    """The page of a run to which something could not be done, and why."""
    return await _page(request, await read_run(site_of(request), id_of(request)), error)


async def _page(request: Request, view: RunView, fault: PgflowError | None) -> Response:
    values = {
        **await _live_values(site_of(request), view),
        "title": f"Run of {view.run['flow_slug']}",
        "done": OUTCOMES.get(request.query_params.get("did", "")),
        "fault": fault,
    }
    return form_page(request, "run.html", values, 200 if fault is None else refused_status(fault))


async def show_live(request: Request) -> Response:
    """What changes on the page while the run goes on: its regions, to be put in place of the old ones."""
    site = site_of(request)
    view = await read_run(site, id_of(request))
    return form_page(request, "run_live.html", await _live_values(site, view))


async def events(request: Request) -> Response:
    """The stream of a run's changes (text/event-stream)."""
    site = site_of(request)
    session = site.sessions.key_of(request)
    if not site.live.streams.may_enter(session):
        return PlainTextResponse("Too many pages are open.\n", 503, headers={"retry-after": "10"})
    progress, _, flow = await read_progress(site, id_of(request))
    headers = {"x-accel-buffering": "no"}
    stream = site.live.stream(progress, flow.dependencies, session)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def value(request: Request) -> Response:
    """The run's input or output, whole."""
    kind = request.path_params["kind"]
    return await whole_value(request, None, kind)


async def whole_value(request: Request, step: str | None, kind: str) -> Response:
    """A stored value as a file to download. Raises 404."""
    site = site_of(request)
    run_id = id_of(request)
    if "\0" in f"{step}{kind}":
        raise HTTPException(404, "There is no such value.")
    row = await site.reader.row(statements.VALUE, run_id=run_id, step=step, kind=kind)
    if row is not None:
        name = "-".join(filter(None, (str(run_id), step, kind)))
        headers = {"content-disposition": f'attachment; filename="{name}.json"'}
        return Response(row["text"], media_type="application/json", headers=headers)
    raise HTTPException(404, "There is no such value.")


async def read_values(site: Site, run_id: UUID) -> dict[tuple[str | None, str], Row]:
    """By step (None: the run) and kind (input, output); ``shown`` is None for what is too large to show."""
    limits = {"max_bytes": VALUE_BYTES, "max_chars": SHOWN + 1}
    rows = await site.reader.rows(statements.VALUES, run_id=run_id, **limits)
    return {(row["step_slug"], row["kind"]): {**row, "is_shown": row["shown"] is not None} for row in rows}


async def _live_values(site: Site, view: RunView) -> dict[str, object]:
    run_id = UUID(view.run["run_id"])
    tasks: dict[str, list[Row]] = {}
    for task in await site.reader.rows(
        statements.TASKS, run_id=run_id, step=None, first=0, limit=TASKS_DRAWN
    ):
        tasks.setdefault(task["step_slug"], []).append(task)
    failure = None
    if view.run["status"] == "failed":
        failure = await site.reader.row(statements.FAILURE, run_id=run_id)
    values = await read_values(site, run_id)
    started = [step["step_slug"] for step in view.steps if step["started_at"] is not None]
    children = await read_only_children(site.reader, run_id, view.flow, started)
    for step in view.steps:
        step["child"] = children.get(step["step_slug"])
        step["waiting"] = next((t for t in tasks.get(step["step_slug"], ()) if t["waits_for"]), None)
    now = datetime.now(UTC)
    dependencies = {
        step["step_slug"]: view.flow.dependencies.get(step["step_slug"], []) for step in view.steps
    }
    totals = {step["step_slug"]: step["total"] for step in view.steps}
    return {
        "run": view.run,
        "steps": view.steps,
        "states": {step["step_slug"]: step for step in view.steps},
        "kinds": view.flow.kinds,
        "companions": await read_companions(site.reader, run_id, view.flow),
        "pictures": [draw(dependencies, "right"), draw(dependencies, "down")],
        "timeline": draw_timeline(view.run, view.steps, tasks, totals, now),
        "values": values,
        "failure": failure,
        "now": now,
        "is_live": not view.is_final,
        "is_paused": not view.is_final and await site.flows.is_paused(view.flow.slug),
        "trail": await read_trail(site.reader, run_id=run_id),
        "actions": [action.name for action in ACTIONS.values() if action.can_change(view.run)],
        "can_start_again": _may_start(site, view.flow.slug) and _fits(values),
    }


def _may_start(site: Site, slug: str) -> bool:
    """Whether people may start runs of the flow: its types are known, and it is no companion."""
    return site.flows.contract(slug) is not None and flow_of(slug) is None


def _fits(values: Mapping[tuple[str | None, str], Row]) -> bool:
    """Whether the run's input is small enough for a form."""
    return bool(values[(None, "input")]["is_shown"])


def _step(
    run: Mapping[str, Any], row: Mapping[str, Any], step_type: str, tasks: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A step that had not ended when its run did is cancelled since then."""
    step = dict(row)
    for name in ("created_at", "started_at", "completed_at", "failed_at", "skipped_at", "cancelled_at"):
        step[name] = _time(step[name])
    ends = ("completed_at", "failed_at", "skipped_at", "cancelled_at")
    step["ended_at"] = next((step[name] for name in ends if step[name]), run["ended_at"])
    step["reused"] = bool(step["reused"])
    if step["reused"]:
        step["started_at"] = None  # it was done in another run: here it took no time
    if run["ended_at"] is not None and step["status"] not in FINAL:
        step["status"] = "cancelled"
    step["step_type"] = step_type
    wait = step.get("wait") if step["status"] == "started" else None
    step["wait"] = {**wait, "until": _time(wait.get("until"))} if wait else None
    for name in ("total", "completed", "started", "failed", "attempts", "cancelled", "again", "polling"):
        step[name] = int((tasks or {}).get(name) or 0)
    step["tolerated"], step["round"] = int((tasks or {}).get("tolerated") or 0), (tasks or {}).get("round")
    step["is_waiting"] = step["status"] == "started" and step["started"] == 0
    step["is_held"] = run["held_at"] is not None and step["is_waiting"]
    step["word"] = _word(step)
    return step


def _word(step: Mapping[str, Any]) -> str:
    """The state in a word for people: ``created`` and ``started`` say little."""
    if step["status"] == "cancelled" and step["started_at"] is None:
        return "not run"
    if step["reused"]:
        return "taken over"
    if step["status"] == "started":
        if step["is_held"]:
            return "held"
        if step["wait"] and step["wait"]["waits_for"] in ("signal", "sleep"):
            return "unanswered" if step["wait"]["waits_for"] == "signal" else "sleeping"
        if step["wait"] and step["wait"]["waits_for"] == "child":
            return "in its run" if step["wait"].get("count", 1) == 1 else "in its runs"
        if step["polling"] and not step["started"]:
            return "polling"
        if step["is_waiting"] and step["completed"] == 0:
            return "queued"
    return word(step["status"])


def _time(text: str | None) -> datetime | None:
    return read_moment(text) if text else None
