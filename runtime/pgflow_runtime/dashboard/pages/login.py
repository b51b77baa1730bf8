"""The door: asked for where there is a token."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pgflow_runtime.dashboard.web import page, read_form, site_of

PAUSE = 0.5
"""Seconds a wrong token costs."""


async def show(request: Request) -> Response:
    site = site_of(request)
    if site.sessions.knows(request):
        return RedirectResponse("/runs", 303)
    return page(request, "login.html", {"title": "Sign in", "is_wrong": False})


async def sign_in(request: Request) -> Response:
    site = site_of(request)
    if site.sessions.is_open:
        return RedirectResponse("/runs", 303)
    if int(request.headers.get("content-length") or 0) > 10_000:
        raise HTTPException(413, "This form is too large.")
    fields = await read_form(request)
    if not site.sessions.is_token(fields.get("token", "").strip()):
        await asyncio.sleep(PAUSE)
        return page(request, "login.html", {"title": "Sign in", "is_wrong": True}, 403)
    response = RedirectResponse("/runs", 303)
    site.sessions.sign_in(request, response)
    return response


async def sign_out(request: Request) -> Response:
    response = RedirectResponse("/login", 303)
    site_of(request).sessions.sign_out(response)
    return response
