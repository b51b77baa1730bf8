"""Tokens that let their bearer send one signal to one run: for links in mails, for pages of other programs.

Run ids are no secrets, so whoever takes one from a request lets anybody answer for anybody. A token carries
run, step and its end, and a proof that this application made it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from uuid import UUID

from pgflow_runtime.errors import InvalidToken, UsageError

KEY_VARIABLE = "PGFLOW_SIGNAL_KEY"
SHORTEST_KEY = 32
"""Characters: whoever guesses the key sends what they like."""
EXPIRES_IN = 7 * 86_400.0
LONGEST = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token is good for."""

    run_id: UUID
    flow_slug: str
    step_slug: str


def make_token(claims: Claims, expires_in: float) -> str:
    """A token for so many seconds. Raises UsageError without a key, or for a time that is none."""
    if not 0 < expires_in <= LONGEST:
        raise UsageError(f"expires_in must be from 0 to {LONGEST:.0f} seconds, got {expires_in:g}")
    end = int(time.time() + expires_in)
    text = json.dumps([str(claims.run_id), claims.flow_slug, claims.step_slug, end], separators=(",", ":"))
    body = _encoded(text.encode())
    return f"{body}.{_encoded(_proof(body))}"


def read_token(token: str) -> Claims:
    """What a token of ours says. Raises InvalidToken, UsageError without a key."""
    body, _, proof = token.partition(".")
    if not hmac.compare_digest(_encoded(_proof(body)).encode(), proof.encode(errors="replace")):
        raise InvalidToken("the token was not made by this application, or was changed on its way")
    try:
        run_id, flow_slug, step_slug, end = json.loads(_decoded(body))
        claims = Claims(UUID(run_id), str(flow_slug), str(step_slug))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidToken("the token was made by another version of pgflow-gen") from None
    if time.time() >= end:
        raise InvalidToken("the token has expired")
    return claims


def _proof(body: str) -> bytes:
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) < SHORTEST_KEY:
        state = f"has fewer than {SHORTEST_KEY} characters" if key else "is not set"
        raise UsageError(
            f"{KEY_VARIABLE} {state}: tokens are signed with it",
            help="set it to a secret, the same wherever tokens are made and taken: openssl rand -hex 32",
        )
    return hmac.digest(key.encode(), b"pgflow signal " + body.encode(errors="replace"), hashlib.sha256)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
