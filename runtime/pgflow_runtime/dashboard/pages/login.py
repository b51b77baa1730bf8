"""The door: asked for where there is a token."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pgflow_runtime.dashboard.access.session import LONGEST_NAME
from pgflow_runtime.dashboard.web import page, read_form, site_of

LARGEST = 10_000
"""Bytes of the form at most."""
PAUSE = 0.5
"""Seconds a wrong token costs."""


async def show(request: Request) -> Response:
    site = site_of(request)
    if site.sessions.knows(request):
        return RedirectResponse("/runs", 303)
    return page(request, "login.html", {"title": "Sign in", "is_wrong": False, "name": ""})


async def sign_in(request: Request) -> Response:
    site = site_of(request)
    if site.sessions.is_open:
        return RedirectResponse("/runs", 303)
    fields = await read_form(request, LARGEST)
    if not await site.sessions.attempt(request, fields.get("token", "").strip()):
        await asyncio.sleep(PAUSE)
        values = {"title": "Sign in", "is_wrong": True, "name": fields.get("name", "")[:LONGEST_NAME]}
        return page(request, "login.html", values, 403)
    response = RedirectResponse("/runs", 303)
    site.sessions.sign_in(request, response, fields.get("name", ""))
    return response


async def sign_out(request: Request) -> Response:
    response = RedirectResponse("/login", 303)
    site_of(request).sessions.sign_out(response)
    return response
