"""The preset for Supabase: flows whose handlers find its clients in their context."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pgflow_runtime.dsl.context import (
    Cancellation,
    Context,
    GivenResources,
    Shutdown,
    StepTask,
)
from pgflow_runtime.dsl.flow import Flow
from pgflow_runtime.dsl.jsontypes import JsonValue
from pgflow_runtime.errors import UsageError
from pgflow_runtime.secrets import keep_secret
from pgflow_runtime.worker_config import WorkerConfig
from pgflow_shared.distribution import extra
from pgflow_shared.presets import SUPABASE
from pgflow_shared.text import listed

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection
    from supabase import AsyncClient, Client

In = TypeVar("In")


class SupabaseContext(Context):
    """A handler's context with Supabase's clients, which have the service role: no row security binds them.

    Each task has clients of its own, which share the process's HTTP connections; no session is kept.
    """

    @cached_property
    def supabase(self) -> Client:
        """The client of supabase-py, for sync handlers.

        Raises:
            UsageError: the handler is async: ``ctx.asupabase``; or the environment names no project.
        """
        given: Client | None = self._resources.client("supabase")
        if given is not None:
            return given
        clients = _clients()
        url, key = project_of(self.env)
        return clients.make(url, key)

    @cached_property
    def asupabase(self) -> AsyncClient:
        """The async client of supabase-py, for async handlers; otherwise like ``supabase``."""
        given: AsyncClient | None = self._resources.client("asupabase")
        if given is not None:
            return given
        clients = _clients()
        url, key = project_of(self.env)
        return clients.amake(url, key)

    @property
    def sql(self) -> Connection[Any]:
        """The connection that ``ctx.conn()`` gives."""
        return self.conn()

    @classmethod
    def for_test(
        cls,
        *,
        step_task: StepTask | None = None,
        attempt: int = 1,
        flow_input: JsonValue = None,
        conn: Connection[Any] | None = None,
        aconn: AsyncConnection[Any] | None = None,
        env: Mapping[str, str] | None = None,
        shutdown: Shutdown | None = None,
        worker_config: WorkerConfig | None = None,
        trace_context: Mapping[str, str] | None = None,
        cancelled: Cancellation | None = None,
        supabase: Any = None,
        asupabase: Any = None,
    ) -> SupabaseContext:
        """As the plain one; ``supabase`` and ``asupabase`` are the clients that the handler gets."""
        clients = {"supabase": supabase, "asupabase": asupabase}
        resources = GivenResources(flow_input, conn, aconn, cancelled or Cancellation(), clients)
        return cls._of_test(step_task, attempt, env, shutdown, worker_config, trace_context, resources)


class SupabaseFlow(Flow[In]):
    """``Flow`` of the preset: its handlers may ask for the preset's ``Context``."""

    preset: ClassVar[str | None] = SUPABASE.name
    context_type: ClassVar[type[Context]] = SupabaseContext


def project_of(env: Mapping[str, str]) -> tuple[str, str]:
    """URL and service key of the project that an environment names.

    Raises:
        UsageError: all names that are missing.
    """
    missing = [name for name in SUPABASE.variables if not env.get(name)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"{listed(missing)} {verb} not set",
            help="the project's settings on Supabase have them, under API",
        )
    url, key = (env[name].strip() for name in SUPABASE.variables)
    if not url.startswith(("http://", "https://")):
        raise UsageError("SUPABASE_URL is no URL", help="it begins with https://")
    keep_secret(key)
    return url, key


@dataclass
class _Clients:
    """Makes clients that share this process's HTTP connections."""

    pid: int

    @cached_property
    def _http(self) -> Any:
        import httpx

        return httpx.Client(timeout=120, follow_redirects=True)

    @cached_property
    def _by_loop(self) -> Any:
        from weakref import WeakKeyDictionary

        return WeakKeyDictionary[Any, Any]()

    def make(self, url: str, key: str) -> Client:
        from supabase import Client
        from supabase.lib.client_options import SyncClientOptions

        options = SyncClientOptions(httpx_client=self._http, persist_session=False, auto_refresh_token=False)
        return Client(url, key, options)

    def amake(self, url: str, key: str) -> AsyncClient:
        import asyncio

        import httpx
        from supabase import AsyncClient
        from supabase.lib.client_options import AsyncClientOptions

        loop = asyncio.get_running_loop()
        http = self._by_loop.get(loop)
        if http is None:
            http = self._by_loop[loop] = httpx.AsyncClient(timeout=120, follow_redirects=True)
        options = AsyncClientOptions(httpx_client=http, persist_session=False, auto_refresh_token=False)
        return AsyncClient(url, key, options)


_made: _Clients | None = None
_lock = threading.Lock()


def _clients() -> _Clients:
    """Those of this process; a forked child makes its own.

    Raises:
        UsageError: what Supabase's clients are in is not installed.
    """
    global _made
    with _lock:
        if _made is None or _made.pid != os.getpid():
            try:
                import_module("supabase")
            except ImportError as error:
                raise UsageError(
                    f"Supabase's clients are not installed: {error}", help=extra(SUPABASE.name)
                ) from error
            _made = _Clients(os.getpid())
        return _made
