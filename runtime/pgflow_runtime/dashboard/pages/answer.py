"""Answer a run that waits, from a form made of the signal's JSON Schema; only with --allow-control."""

from __future__ import annotations

import json
from urllib.parse import quote
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.contract import StepContract
from pgflow_runtime.dashboard.forms import Fault, Fields, last, submitted
from pgflow_runtime.dashboard.pages.run import RunView, read_run
from pgflow_runtime.dashboard.web import control_of, form_page, id_of, site_of
from pgflow_runtime.database import queries
from pgflow_runtime.errors import UsageError
from pgflow_runtime.runs.documents import written_value


async def ask(request: Request) -> Response:
    view, step = await _step(request)
    return _form(request, view, step, "", None)


async def submit(request: Request) -> Response:
    view, step = await _step(request)

    async def act(fields: Fields) -> str:
        text = _checked(_signal(request, view, step), written_value(last(fields, "input"), "The answer"))
        outcome = await _send(request, id_of(request), step, text)
        return f"/runs/{view.run['run_id']}?did=signal_{quote(outcome)}"

    def show(fields: Fields, fault: Fault, status: int) -> Response:
        return _form(request, view, step, last(fields, "input"), fault, status)

    return await submitted(request, act, show)


async def _send(request: Request, run_id: UUID, step: str, text: str) -> str:
    """What became of it, in the core's words."""
    ((outcome,),) = await control_of(request).call(
        queries.SEND_SIGNALS, run_ids=[run_id], step_slugs=[step], payloads=[text], dedupes=[None]
    )
    return str(outcome)


async def _step(request: Request) -> tuple[RunView, str]:
    """The run, and its step of the address. Raises 404."""
    view = await read_run(site_of(request), id_of(request))
    slug: str = request.path_params["step"]
    if not any(step["step_slug"] == slug for step in view.steps):
        raise HTTPException(404, "This run has no such step.")
    return view, slug


def _signal(request: Request, view: RunView, step: str) -> StepContract | None:
    """The signal's types; None where this project has not got the flow. Raises UsageError for no signal."""
    contract = site_of(request).flows.contract(view.flow.slug)
    return None if contract is None else contract.signal(step)


def _checked(signal: StepContract | None, value: object) -> str:
    return json.dumps(value) if signal is None else signal.encode_payload(value)


def _form(
    request: Request,
    view: RunView,
    step: str,
    written: str,
    fault: Fault | None,
    status: int = 200,
) -> Response:
    try:
        signal = _signal(request, view, step)
    except UsageError as error:
        raise HTTPException(404, error.message) from None
    schema = dict(signal.payload_schema) if signal is not None else {"$defs": {}}
    definitions = schema.pop("$defs")
    values = {
        "title": f"Answer {view.flow.slug}",
        "run": view.run,
        "step_slug": step,
        "wait": next((row["wait"] for row in view.steps if row["step_slug"] == step), None),
        "schema": json.dumps({"schema": schema, "$defs": definitions}, ensure_ascii=False),
        "written": written,
        "fault": fault,
    }
    return form_page(request, "answer.html", values, status)
