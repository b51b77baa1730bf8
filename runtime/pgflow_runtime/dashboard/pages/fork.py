"""Start a new run from a step of an old one: which steps are done anew, and on what input."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pgflow_runtime.client.uuid7 import uuid7
from pgflow_runtime.dashboard.pages.run import RunView, read_run
from pgflow_runtime.dashboard.web import (
    LARGEST_FORM,
    OTHER_BROWSER,
    control_of,
    form_page,
    id_of,
    read_fields,
    refused_status,
    site_of,
)
from pgflow_runtime.database import queries
from pgflow_runtime.errors import InvalidInput, PgflowError, UsageError
from pgflow_runtime.runs.documents import written_value

_READING = asyncio.Semaphore(2)
"""Forms that are read at a time: each may be as large as an input."""


async def ask(request: Request) -> Response:
    """The form. The steps that did not complete are chosen to begin with."""
    view = await read_run(site_of(request), id_of(request))
    chosen = request.query_params.getlist("step") or [
        step["step_slug"] for step in view.steps if step["status"] == "failed"
    ]
    return _form(request, view, chosen, "", None)


async def submit(request: Request) -> Response:
    site = site_of(request)
    run_id = id_of(request)
    view = await read_run(site, run_id)
    async with _READING:
        fields = await read_fields(request, LARGEST_FORM)
    chosen, written = fields.get("step", []), fields.get("input", [""])[-1]

    def refused(status: int, message: str, help: str | None = None) -> Response:
        return _form(request, view, chosen, written, {"message": message, "help": help}, status)

    if not site.sessions.is_form_key(request, fields.get("key", [""])[-1]):
        return refused(403, OTHER_BROWSER)
    if not chosen:
        return refused(422, "Choose a step.", "It is done anew, and all that follow it.")
    try:
        text = _checked_input(request, view, written)
    except (UsageError, InvalidInput) as error:
        return refused(422, error.message, error.help)
    try:
        new_run_id = await _fork(request, run_id, chosen, text)
    except PgflowError as error:
        return refused(refused_status(error), error.message, error.help)
    return RedirectResponse(f"/runs/{new_run_id}?did=forked", 303)


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
    fault: Mapping[str, object] | None,
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
