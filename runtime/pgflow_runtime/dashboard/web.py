"""What all pages share: the templates, what they may call, and how a page is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from urllib.parse import parse_qs, quote
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pgflow_runtime.dashboard import text
from pgflow_runtime.dashboard.access.session import Sessions
from pgflow_runtime.dashboard.options import DashboardOptions
from pgflow_runtime.dashboard.orders.control import Control
from pgflow_runtime.dashboard.reading.flows import Flows
from pgflow_runtime.dashboard.reading.live import Live
from pgflow_runtime.dashboard.reading.reader import Reader
from pgflow_runtime.dashboard.reading.replica import Replica
from pgflow_runtime.errors import ConnectionFailed, PermissionDenied, PgflowError
from pgflow_runtime.project import Project
from pgflow_shared.companions import end_of

LARGEST_FORM = 17_000_000
"""Bytes of a form at most: the largest input and a little."""
SMALL_FORM = 20_000
"""Bytes of one without an input."""
FIELDS = 5_000
"""Fields of a form at most; a fork's has one for each step."""
OTHER_BROWSER = "This form was made for another browser, or before the dashboard's last start."


@dataclass(frozen=True, slots=True)
class Site:
    """What a dashboard consists of; every page finds it at ``request.app.state.site``."""

    options: DashboardOptions
    project: Project
    conninfo: str
    """Where runs are started."""
    reader: Reader
    live: Live
    flows: Flows
    sessions: Sessions
    control: Control | None
    """None: people can only look, or start runs."""
    where: str
    """The database, in words."""
    replica: Replica | None
    """What the pages are read from where that is not the database itself."""


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def page(request: Request, template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A page. ``values`` go to the template, which escapes them."""
    site = site_of(request)
    is_known = site.sessions.knows(request)
    shared = {
        "path": request.url.path,
        "allow_start": site.options.may_start,
        "allow_control": site.control is not None,
        "where": site.where if is_known else "",
        "replica": site.replica if is_known else None,
        "signed_in": is_known and not site.sessions.is_open,
    }
    return HTMLResponse(environment().get_template(template).render({**shared, **values}), status)


def form_page(request: Request, template: str, values: Mapping[str, object], status: int = 200) -> Response:
    """A page with forms that do something: they bring along a key that only this browser has."""
    site = site_of(request)
    if not site.options.may_start:
        return page(request, template, values, status)
    key, cookie = site.sessions.form_key(request)
    response = page(request, template, {**values, "key": key}, status)
    site.sessions.remember_form(request, response, cookie)
    return response


async def caught_up(request: Request, address: str) -> RedirectResponse:
    """To the page that shows what somebody has just done, once a replica has it too."""
    replica = site_of(request).replica
    if replica is not None:
        await replica.catch_up()
    return RedirectResponse(address, 303)


def lag_of(request: Request) -> str | None:
    """For who does not find something: that a replica is read which may not have it yet."""
    replica = site_of(request).replica
    if replica is None or replica.lag is None:
        return None
    return f"This was read from a replica, which {replica.lag}."


def control_of(request: Request) -> Control:
    """The way to act, on pages that are only there with --allow-control."""
    control = site_of(request).control
    assert control is not None
    return control


async def read_order(request: Request) -> dict[str, str]:
    """The fields of a small form of ours. Raises 403 for one that is not this browser's, 413, 400."""
    fields = await read_form(request, SMALL_FORM)
    if not site_of(request).sessions.is_form_key(request, fields.get("key", "")):
        raise HTTPException(403, OTHER_BROWSER)
    return fields


def refused_status(error: PgflowError) -> int:
    """The status of a page that says what the database refused."""
    if isinstance(error, PermissionDenied):
        return 403
    return 503 if isinstance(error, ConnectionFailed) else 409


def id_of(request: Request) -> UUID:
    """The run's id in the path. Raises 404 for what is none."""
    try:
        return UUID(request.path_params["run_id"])
    except ValueError:
        raise HTTPException(404, "This is not the id of a run.") from None


async def read_form(request: Request, largest: int = LARGEST_FORM) -> dict[str, str]:
    """The fields of an urlencoded form, each once. Raises 413 beyond ``largest`` bytes, 400."""
    return {name: values[-1] for name, values in (await read_fields(request, largest)).items()}


async def read_fields(request: Request, largest: int) -> dict[str, list[str]]:
    """The same with all values of each field."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise HTTPException(413, "This form is too large.", {"connection": "close"})
    try:
        return parse_qs(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS
        )
    except ValueError:
        raise HTTPException(400, "This form cannot be read.") from None


@cache
def environment() -> Environment:
    """Templates that escape everything and know no unknown names."""
    made = Environment(
        loader=PackageLoader("pgflow_runtime.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "moment": text.moment,
        "ago": text.ago,
        "clamped": text.clamped,
        "clock": text.clock,
        "iso": text.iso,
        "duration": text.duration,
        "tick": text.tick,
        "count": text.count,
        "size": text.size,
        "json_markup": text.json_markup,
        "shorten": lambda value, length: value if len(value) <= length else f"{value[: length - 1]}…",
        "end_of": end_of,
        "icon_of": text.icon_of,
        "word": text.word,
        "segment": lambda value: quote(str(value), safe=""),
    }
    made.globals |= {"static": static_url, "now_utc": lambda: datetime.now(UTC)}
    return made


@cache
def static_url(name: str) -> str:
    """The address of a file of ours; it changes with the content, so browsers may keep what they have."""
    digest = hashlib.sha256((files(__package__ or "") / "static" / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"
