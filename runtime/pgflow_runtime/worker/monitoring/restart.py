"""``POST /<name>`` on the health port: whoever watches over workers from outside has dead ones started again.

It is what ``pgflow.ensure_workers`` sends: with the secret that database and worker share, as a bearer's.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg

from pgflow_runtime.database import DOCTOR, connect
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.monitoring.http import Reply
from pgflow_runtime.worker_config import WorkerConfig

_ASK_AGAIN: Final = 5.0
"""Seconds until a database that did not answer is asked again."""
ANYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104


def secret_of(env: Mapping[str, str] = os.environ) -> str:
    """PGFLOW_AUTH_SECRET, else the service key; empty: neither is set."""
    return env.get("PGFLOW_AUTH_SECRET", "").strip() or env.get("SUPABASE_SERVICE_ROLE_KEY", "").strip()


def is_restartable(config: WorkerConfig, env: Mapping[str, str] = os.environ) -> bool:
    """Whether the port is to answer also while the worker is dead."""
    return config.health_port is not None and bool(config.restart_url or secret_of(env))


def path_of(config: WorkerConfig) -> str:
    return f"/{config.name}"


def url_of(config: WorkerConfig, port: int) -> str:
    """Where ``ensure_workers`` asks: as told, else where the port is bound."""
    path = quote(path_of(config))
    if config.restart_url:
        base = config.restart_url.rstrip("/")
        return base if urlsplit(base).path else base + path
    host = config.health_host
    if host in ANYWHERE:
        import socket

        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def allowed_hosts(config: WorkerConfig) -> list[str]:
    """The names under which the port may be asked, that of its address among them."""
    names = [name.strip() for name in config.health_allowed_hosts.split(",")]
    own = urlsplit(config.restart_url).hostname if config.restart_url else None
    return [*names, *([own] if own else [])]


class RestartRoute:
    """Lets in who knows the secret; on a local Supabase everybody. ``start``: what is done then."""

    def __init__(self, secret: str, is_local: Callable[[], bool], start: Callable[[], Reply]) -> None:
        self._secret = secret
        self._is_local = is_local
        self._start = start

    def __call__(self, authorization: str) -> Reply:
        if self._knows(authorization) or self._is_local():
            return self._start()
        if not self._secret:
            return Reply(500, "not configured: set PGFLOW_AUTH_SECRET in the worker's environment\n")
        return Reply(401, "the secret as a bearer's is needed\n")

    def _knows(self, authorization: str) -> bool:
        """In a time that tells nothing about the secret."""
        scheme, _, given = authorization.partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(), self._secret.encode())
        return is_same and bool(self._secret) and scheme.lower() == "bearer"


class Locality:
    """Whether the database is a local Supabase's, asked when it is first of interest."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._answer: bool | None = None
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def __call__(self) -> bool:
        with self._lock:
            if self._answer is None and monotonic() - self._asked_at > _ASK_AGAIN:
                self._answer = self._ask()
                self._asked_at = monotonic()
            return bool(self._answer)

    def _ask(self) -> bool | None:
        try:
            with connect(self._conninfo, DOCTOR) as connection:
                row = connection.execute("select pgflow.is_local()").fetchone()
        except (psycopg.Error, PgflowError):
            return None
        return bool(row and row[0])
