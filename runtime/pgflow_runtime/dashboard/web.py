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
from starlette.responses import HTMLResponse

from pgflow_runtime.dashboard import text
from pgflow_runtime.dashboard.flows import Flows
from pgflow_runtime.dashboard.live import Live
from pgflow_runtime.dashboard.options import DashboardOptions
from pgflow_runtime.dashboard.reader import Reader
from pgflow_runtime.dashboard.session import Sessions
from pgflow_runtime.project import Project

LARGEST_FORM = 17_000_000
"""Bytes of a form at most: the largest input and a little."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a dashboard consists of; every page finds it at ``request.app.state.site``."""

    options: DashboardOptions
    project: Project
    conninfo: str
    reader: Reader
    live: Live
    flows: Flows
    sessions: Sessions
    where: str
    """The database, in words."""


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def page(request: Request, template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A page. ``values`` go to the template, which escapes them."""
    site = site_of(request)
    is_known = site.sessions.knows(request)
    shared = {
        "path": request.url.path,
        "allow_start": site.options.allow_start,
        "where": site.where if is_known else "",
        "signed_in": is_known and not site.sessions.is_open,
    }
    return HTMLResponse(environment().get_template(template).render({**shared, **values}), status)


def id_of(request: Request) -> UUID:
    """The run's id in the path. Raises 404 for what is none."""
    try:
        return UUID(request.path_params["run_id"])
    except ValueError:
        raise HTTPException(404, "This is not the id of a run.") from None


async def read_form(request: Request, largest: int = LARGEST_FORM) -> dict[str, str]:
    """The fields of an urlencoded form, each once. Raises 413 beyond ``largest`` bytes, 400."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise HTTPException(413, "This form is too large.", {"connection": "close"})
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=50)
    except ValueError:
        raise HTTPException(400, "This form cannot be read.") from None
    return {name: values[-1] for name, values in fields.items()}


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
