"""Something is done to all runs of a list: the question with their number, and the doing, part by part."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.lists.filters import Filters
from pgflow_runtime.dashboard.lists.selection import selection_of
from pgflow_runtime.dashboard.orders.actions import ACTIONS, LONGEST_COUNT, RunAction
from pgflow_runtime.dashboard.web import (
    caught_up,
    control_of,
    form_page,
    page,
    read_order,
    refused_status,
    site_of,
)
from pgflow_runtime.database import queries
from pgflow_runtime.errors import PgflowError

SECONDS = 3.0
"""A request does parts until so much time has gone; the page that it answers with sends the next."""
LONGEST_SPREAD = 86_400.0
A_SECOND = 100
"""Runs for each second of the spread that is proposed."""


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """What is to be done to which runs, and how far it has come."""

    filter: Mapping[str, Any]
    query: str
    """The address's part of the list it came from."""
    total: int
    reason: str = ""
    spread: float = 0.0
    changed: int = 0
    after_id: UUID | None = None

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> BulkOrder:
        """Raises 400 for what no form of ours sends."""
        try:
            after = fields.get("after_id")
            order = cls(
                filter=json.loads(fields["filter"]),
                query=fields["query"],
                total=_count(fields["total"]),
                reason=fields.get("reason", "").replace("\0", "").strip(),
                spread=float(fields.get("spread") or 0),
                changed=_count(fields.get("changed") or "0"),
                after_id=UUID(after) if after else None,
            )
        except (KeyError, ValueError, RecursionError):
            raise HTTPException(400, "This form cannot be read. Begin again at the list of runs.") from None
        if not isinstance(order.filter, dict) or not order.filter:
            raise HTTPException(400, "This form does not say which runs are meant.")
        if not 0 <= order.spread <= LONGEST_SPREAD:
            raise HTTPException(400, f"The spread is 0 to {LONGEST_SPREAD:,.0f} seconds.")
        return order


async def ask(request: Request) -> Response:
    action = _action(request)
    query = request.query_params
    filters = Filters.read(query)
    step = query.get("step") or None
    if step is not None and "\0" in step:
        raise HTTPException(400, "There is no such step.")
    selection = selection_of(filters, step)
    if selection.hindrance is not None:
        raise HTTPException(400, selection.hindrance)
    try:
        total = await _total(request, action, selection.filter)
    except PgflowError as error:
        return _refused(request, error)
    order = BulkOrder(selection.filter, urlencode(filters.query), total)
    spread = total // A_SECOND if total >= 10 * A_SECOND else 0
    return _form(request, action, replace(order, spread=spread), is_begun=False)


async def submit(request: Request) -> Response:
    action = _action(request)
    order = BulkOrder.read(await read_order(request))
    until = time.monotonic() + SECONDS
    while True:
        try:
            part, after_id = await _part(request, action, order)
        except PgflowError as error:
            return _form(request, action, order, is_begun=True, error=error)
        order = replace(order, changed=order.changed + part, after_id=after_id)
        if after_id is None:
            done = urlencode({"did": action.done, "runs": order.changed})
            return await caught_up(request, f"{_back(order.query)}&{done}")
        if time.monotonic() > until:
            return _form(request, action, order, is_begun=True)


async def _total(request: Request, action: RunAction, filter: Mapping[str, Any]) -> int:
    values = {"filter": json.dumps(filter), "action": action.name}
    ((total,),) = await control_of(request).call(queries.COUNT_WHERE, **values)
    return int(total)


async def _part(request: Request, action: RunAction, order: BulkOrder) -> tuple[int, UUID | None]:
    """One transaction's runs: how many were changed, and the last that was looked at; None: it was all."""
    values = {
        "filter": json.dumps(order.filter),
        "reason": order.reason or None,
        "spread": order.spread,
        "after_id": order.after_id,
        "actor": site_of(request).sessions.name_of(request),
    }
    rows = await control_of(request).call(action.by_filter, **values)
    changed, last_id = rows[0] if rows else (0, None)
    return int(changed), last_id


def _form(
    request: Request, action: RunAction, order: BulkOrder, *, is_begun: bool, error: PgflowError | None = None
) -> Response:
    values = {
        "title": f"{action.name.capitalize()} many runs",
        "action": action,
        "order": order,
        "filter": json.dumps(order.filter),
        "after": _moment(order.filter.get("started_after")),
        "before": _moment(order.filter.get("started_before")),
        "is_begun": is_begun,
        "back": _back(order.query),
        "fault": error,
    }
    return form_page(request, "bulk.html", values, 200 if error is None else refused_status(error))


def _refused(request: Request, error: PgflowError) -> Response:
    values = {"title": "Not possible", "message": error.message, "help": error.help}
    return page(request, "error.html", values, refused_status(error))


def _back(query: str) -> str:
    """The list that the runs were chosen on: a group of errors comes from the page of errors."""
    filters = Filters.read(dict(parse_qsl(query, keep_blank_values=True)))
    if filters.error is None:
        return "/runs?" + urlencode(filters.query)
    fields = {"span": filters.span or "30d"}
    return "/errors?" + urlencode(fields)


def _moment(text: object) -> datetime | None:
    """A time of the filter, as we wrote it."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _action(request: Request) -> RunAction:
    action = ACTIONS.get(request.path_params["action"])
    if action is None:
        raise HTTPException(404, "There is no such action.")
    return action


def _count(text: str) -> int:
    """Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_COUNT):
        raise ValueError(text)
    return int(text)
