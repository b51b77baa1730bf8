"""Who has shown the token, and which form belongs to whom. Nothing is stored: cookies are signed."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.access.fairness import SIGNED, Attempts

SIGNED_IN = "pgflow_dashboard"
FORMS = "pgflow_forms"
LIFETIME = 12 * 3600
"""Seconds after which the token is asked for again."""

LONGEST_NAME = 80
"""Characters of a name that are kept."""


class TooManyAttempts(Exception):
    """Tokens from one address, in a short time, most of them wrong."""


class Sessions:
    """Signs with a secret of its own, so a restart ends all sessions."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._secret = secrets.token_bytes(32)
        self._attempts = Attempts()

    @property
    def is_open(self) -> bool:
        """Whether no token is asked for."""
        return self._token is None

    def knows(self, request: Request) -> bool:
        """Whether the request may see pages: no token is asked for, or it comes along.

        Raises TooManyAttempts for a token that is not looked at.
        """
        if self._token is None or self._has_cookie(request):
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        if "bearer" not in request.scope:
            if self._attempts.wait(address_of(request)) != 0:
                raise TooManyAttempts
            request.scope["bearer"] = self._judge(request, given.strip())
        return bool(request.scope["bearer"])

    def key_of(self, request: Request) -> str:
        """What tells one session from another: the cookie that was signed, else the address."""
        if self._token is not None and self._has_cookie(request):
            return f"{SIGNED}{request.cookies[SIGNED_IN]}"
        return address_of(request)

    async def attempt(self, request: Request, given: str) -> bool:
        """Whether ``given`` is the token, after a wait where that address has tried often.

        Raises TooManyAttempts.
        """
        wait = self._attempts.wait(address_of(request))
        if wait is None:
            raise TooManyAttempts
        await asyncio.sleep(wait)
        return self._judge(request, given)

    def _judge(self, request: Request, given: str) -> bool:
        is_right = self.is_token(given)
        if is_right:
            self._attempts.succeeded(address_of(request))
        return is_right

    def _has_cookie(self, request: Request) -> bool:
        said, _, signature = request.cookies.get(SIGNED_IN, "").rpartition(".")
        until = said.partition(".")[0]
        return (
            until.isascii()
            and until.isdigit()
            and hmac.compare_digest(
                signature.encode("utf-8", "surrogatepass"), self._sign(f"in {said}").encode()
            )
            and int(until) > time.time()
        )

    def is_token(self, given: str) -> bool:
        """Compared in constant time."""
        return self._token is not None and hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"), self._token.encode("utf-8", "surrogatepass")
        )

    def sign_in(self, request: Request, response: Response, name: str = "") -> None:
        """``name``: who the person says they are, for the trail of what they do."""
        until = str(int(time.time()) + LIFETIME)
        number = secrets.token_hex(8)  # so that no two sessions are the same
        written = base64.urlsafe_b64encode(_cleaned(name).encode()).decode().rstrip("=")
        said = f"{until}.{number}.{written}"
        self._set(request, response, SIGNED_IN, f"{said}.{self._sign(f'in {said}')}")

    def name_of(self, request: Request) -> str | None:
        """The name that was given at the door; None: none was."""
        if self._token is None or not self._has_cookie(request):
            return None
        written = request.cookies[SIGNED_IN].split(".")[2]
        try:
            return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode() or None
        except (binascii.Error, UnicodeDecodeError):
            return None

    def sign_out(self, response: Response) -> None:
        response.delete_cookie(SIGNED_IN, path="/", httponly=True, samesite="strict")

    def form_key(self, request: Request) -> tuple[str, str | None]:
        """What a form of this browser has to bring along, and the cookie to set when it has none yet."""
        cookie = request.cookies.get(FORMS, "")
        if cookie.isascii() and len(cookie) >= 32:
            return self._sign(f"form {cookie}"), None
        fresh = secrets.token_urlsafe(32)
        return self._sign(f"form {fresh}"), fresh

    def remember_form(self, request: Request, response: Response, cookie: str | None) -> None:
        """Lax, so that a page that a link elsewhere leads to keeps the key of those that are open; no form of
        another site brings the cookie along."""
        if cookie is not None:
            self._set(request, response, FORMS, cookie, "lax")

    def is_form_key(self, request: Request, given: str) -> bool:
        """Whether a form was made for the browser that sends it."""
        cookie = request.cookies.get(FORMS, "")
        return bool(cookie) and hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"), self._sign(f"form {cookie}").encode()
        )

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _set(
        self,
        request: Request,
        response: Response,
        name: str,
        value: str,
        samesite: Literal["strict", "lax"] = "strict",
    ) -> None:
        is_secure = request.url.scheme == "https"
        response.set_cookie(name, value, path="/", httponly=True, samesite=samesite, secure=is_secure)


def _cleaned(name: str) -> str:
    """A name without what nobody sees, and not longer than one."""
    return "".join(letter for letter in name if letter.isprintable()).strip()[:LONGEST_NAME]


def address_of(request: Request) -> str:
    """Where a request came from; behind a proxy, the proxy."""
    return request.client.host if request.client is not None else ""
