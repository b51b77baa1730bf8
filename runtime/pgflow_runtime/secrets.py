"""Secrets of the environment: wherever a text of ours leaves the process, they are not in it.

A library may log a URL with a key in it, and a handler may raise an exception that quotes one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Final

VARIABLES: Final = ("SUPABASE_SERVICE_ROLE_KEY", "PGFLOW_AUTH_SECRET", "SUPABASE_ANON_KEY")
SHORTEST: Final = 8
"""Characters; what is shorter may be part of any word, and is no secret."""
TALKATIVE: Final = (
    "realtime._async.client",
    "realtime._async.channel",
    "websockets.client",
    "hpack.hpack",
    "httpx",
)
"""Loggers of libraries that have been seen to name URLs, messages or headers with keys in them."""
_known: set[str] = set()


def learn(env: Mapping[str, str] = os.environ) -> None:
    """Take note of those that an environment holds."""
    for name in VARIABLES:
        keep_secret(env.get(name, ""))


def keep_secret(value: str) -> None:
    """Take note of one, and see to it that no library logs it."""
    value = value.strip()
    if len(value) < SHORTEST:
        return
    if not _known:
        for name in TALKATIVE:
            logging.getLogger(name).addFilter(_hide)
    _known.add(value)


def hidden(text: str) -> str:
    """``text`` without any secret that was taken note of."""
    for secret in _known:
        if secret in text:
            text = text.replace(secret, "***")
    return text


def _hide(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    if (shown := hidden(message)) != message:
        record.msg, record.args = shown, None
    return True
