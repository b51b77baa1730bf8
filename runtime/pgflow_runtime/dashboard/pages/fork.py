"""Start a new run from a step of an old one: which steps are done anew, and on what input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.client.uuid7 import uuid7
from pgflow_runtime.dashboard.forms import Fault, Fields, last, submitted
from pgflow_runtime.dashboard.pages.run import RunView, read_run
from pgflow_runtime.dashboard.web import control_of, form_page, id_of, site_of
from pgflow_runtime.database import queries
from pgflow_runtime.errors import UsageError
from pgflow_runtime.runs.documents import written_value


async def ask(request: Request) -> Response:
    """The form. The steps that did not complete are chosen to begin with."""
    view = await read_run(site_of(request), id_of(request))
    chosen = request.query_params.getlist("step") or [
        step["step_slug"] for step in view.steps if step["status"] == "failed"
    ]
    return _form(request, view, chosen, "", None)


async def submit(request: Request) -> Response:
    run_id = id_of(request)
    view = await read_run(site_of(request), run_id)

    async def act(fields: Fields) -> str:
        chosen = fields.get("step", [])
        if not chosen:
            raise UsageError("Choose a step.", help="It is done anew, and all that follow it.")
        text = _checked_input(request, view, last(fields, "input"))
        return f"/runs/{await _fork(request, run_id, chosen, text)}?did=forked"

    def show(fields: Fields, fault: Fault, status: int) -> Response:
        return _form(request, view, fields.get("step", []), last(fields, "input"), fault, status)

    return await submitted(request, act, show)


async def _fork(request: Request, run_id: UUID, from_steps: Sequence[str], text: str | None) -> UUID:
    new_run_id = uuid7()
    await control_of(request).call(
        queries.FORK_RUN,
        run_id=run_id,
        from_steps=[slug for slug in from_steps if "\0" not in slug],
        input=text,
        new_run_id=new_run_id,
        actor=site_of(request).sessions.name_of(request),
    )
    return new_run_id


def _checked_input(request: Request, view: RunView, written: str) -> str | None:
    """Another input as JSON, held against the flow's types where this project has them; None: the run's."""
    if not written.strip():
        return None
    value = written_value(written, "The input")
    contract = site_of(request).flows.contract(view.flow.slug)
    return json.dumps(value) if contract is None else contract.encode_input(value)


def _form(
    request: Request,
    view: RunView,
    chosen: Sequence[str],
    written: str,
    fault: Fault | None,
    status: int = 200,
) -> Response:
    values = {
        "title": f"Fork a run of {view.flow.slug}",
        "run": view.run,
        "steps": view.steps,
        "chosen": chosen,
        "written": written,
        "fault": fault,
    }
    return form_page(request, "fork.html", values, status)
