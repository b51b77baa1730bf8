"""What the buttons of a run's page do: cancel, retry, hold, release."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pgflow_runtime.dashboard.orders.actions import ACTIONS, RunAction
from pgflow_runtime.dashboard.pages import run
from pgflow_runtime.dashboard.web import caught_up, control_of, form_page, id_of, read_order, site_of
from pgflow_runtime.errors import PgflowError


async def ask_cancel(request: Request) -> Response:
    """The question before a run is cancelled, with room for a reason."""
    view = await run.read_run(site_of(request), id_of(request))
    if not ACTIONS["cancel"].can_change(view.run):
        return RedirectResponse(f"/runs/{view.run['run_id']}?did=already_{view.run['status']}", 303)
    values = {"title": "Cancel a run", "run": view.run, "says": ACTIONS["cancel"].says}
    return form_page(request, "cancel.html", values)


def submit_of(action: RunAction) -> Callable[[Request], Awaitable[Response]]:
    """The page a button of this action sends its form to."""

    async def submit(request: Request) -> Response:
        run_id = id_of(request)
        fields = await read_order(request)
        try:
            outcome = await _act(request, action, run_id, fields)
        except PgflowError as error:
            return await run.show_refused(request, error)
        if outcome == "no_such_run":
            raise HTTPException(404, "There is no such run in this database. It may have been pruned.")
        return await caught_up(request, f"/runs/{run_id}?did={outcome}")

    return submit


async def _act(request: Request, action: RunAction, run_id: UUID, fields: dict[str, str]) -> str:
    """What became of the run."""
    values = {
        "run_ids": [run_id],
        "actor": site_of(request).sessions.name_of(request),
        "reason": fields.get("reason", "").replace("\0", "").strip() or None,
        "spread": 0.0,
        "even_if_undone": False,
    }
    ((_, outcome),) = await control_of(request).call(action.by_id, **values)
    return str(outcome)
