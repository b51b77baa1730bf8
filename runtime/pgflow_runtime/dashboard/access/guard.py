"""What stands in front of every page: the host's name, the headers, and who may come in.

The dashboard shows what runs carry, and may start runs. So it answers only to names it knows (a page of
somebody else's whose name suddenly means 127.0.0.1 gets nothing), runs no script but its own files, is shown
in no frame, and takes orders only from its own forms.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pgflow_runtime.dashboard.access.session import Sessions, TooManyAttempts
from pgflow_runtime.hosts import is_known

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, allowed_hosts: tuple[str, ...]) -> None:
        self._app = app
        self._sessions = sessions
        self._allowed_hosts = frozenset(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if not self._is_known(request.headers):
            return PlainTextResponse(
                "The dashboard does not answer to this name. Allow it with --allowed-host.\n", 421
            )
        if request.method not in ("GET", "HEAD") and not _is_own(request):
            return PlainTextResponse("This order did not come from the dashboard's own page.\n", 403)
        try:
            if _is_open(request.url.path) or self._sessions.knows(request):
                return None
        except TooManyAttempts as error:
            return too_many(request, error)
        if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return PlainTextResponse("Sign in first, or send the token: Authorization: Bearer ...\n", 401)

    def _is_known(self, headers: Headers) -> bool:
        """Names that were allowed, and addresses."""
        if len(headers.getlist("host")) != 1:
            return False
        return is_known(headers["host"], self._allowed_hosts)


def too_many(_: Request, __: Exception) -> Response:
    """What an address is told whose token is not looked at."""
    return PlainTextResponse("Too many wrong tokens came from there.\n", 429, {"retry-after": "10"})


def _is_open(path: str) -> bool:
    """What can be had without the token: the door, and the files that make it look like one."""
    return path == "/login" or (path.startswith("/static/") and path.count("/") == 2)


def _is_own(request: Request) -> bool:
    """Whether a browser says that a page of ours sent this; who is no browser says nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers['host']}"
