"""Start a run from a form made of the flow's JSON Schema; only with --allow-start."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.client import AsyncClientBase, AsyncRun
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dashboard.forms import Fault, Fields, last, submitted
from pgflow_runtime.dashboard.pages.flow import find
from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.web import Site, form_page, site_of
from pgflow_runtime.runs.documents import written_value


async def show(request: Request) -> Response:
    flow = (await find(request, request.path_params["flow"])).slug
    contract = _contract(request, flow)
    return _form(request, flow, contract, await _input_of(site_of(request), request), None)


async def submit(request: Request) -> Response:
    flow = (await find(request, request.path_params["flow"])).slug
    contract = _contract(request, flow)

    async def act(fields: Fields) -> str:
        value = written_value(last(fields, "input"), "The input")
        return f"/runs/{await _start(site_of(request).conninfo, contract, value)}"

    def show(fields: Fields, fault: Fault, status: int) -> Response:
        return _form(request, flow, contract, last(fields, "input"), fault, status)

    return await submitted(request, act, show)


async def _input_of(site: Site, request: Request) -> str:
    """The input of the run that the address names, to begin with. Raises 404 for one that is not there."""
    text = request.query_params.get("like")
    if not text:
        return ""
    try:
        run_id = UUID(text)
    except ValueError:
        raise HTTPException(404, "This is not the id of a run.") from None
    row = await site.reader.row(statements.VALUE, run_id=run_id, step=None, kind="input")
    if row is None:
        raise HTTPException(404, "There is no such run in this database. It may have been pruned.")
    return str(row["text"])


async def _start(conninfo: str, contract: FlowContract, value: object) -> str:
    """Raises InvalidInput, ShapeMismatch, what the database says."""
    run_type = type("DashboardRun", (AsyncRun,), {"contract": contract})
    async with AsyncClientBase.connect(conninfo, max_connections=1, poll_only=True) as client:
        run: AsyncRun[Any] = await client._start(run_type, value, None)
    return str(run.run_id)


def _contract(request: Request, flow: str) -> FlowContract:
    contract = site_of(request).flows.contract(flow)
    if contract is None:
        raise HTTPException(
            404,
            f"The types of '{flow}' are not in {site_of(request).project.schemas}. Run the dashboard in the"
            " flow's project, or name its folder with --generated.",
        )
    return contract


def _form(
    request: Request,
    flow: str,
    contract: FlowContract,
    written: str,
    fault: Fault | None,
    status: int = 200,
) -> Response:
    schema = {"schema": contract.schema["properties"]["input"], "$defs": contract.schema.get("$defs", {})}
    values = {
        "title": f"Start {flow}",
        "flow_slug": flow,
        "schema": json.dumps(schema, ensure_ascii=False),
        "written": written,
        "fault": fault,
    }
    return form_page(request, "start.html", values, status)
