"""The core's functions through PostgREST, and what it refuses as our errors."""

from __future__ import annotations

from typing import Any, Final

import httpx
from postgrest import APIError
from supabase import AsyncClient
from supabase.lib.client_options import AsyncClientOptions

from pgflow_runtime.errors import (
    BY_SQLSTATE,
    ConnectionFailed,
    CoreMissing,
    DatabaseError,
    PermissionDenied,
    PgflowError,
)
from pgflow_runtime.secrets import hidden

SCHEMA: Final = "pgflow"
_NOT_EXPOSED: Final = ("PGRST106",)
_NO_SUCH_FUNCTION: Final = ("PGRST202", "PGRST125")
_NOT_LET_IN: Final = ("PGRST301", "PGRST302", "PGRST303", "42501")
_GRANTS: Final = (
    "grant usage on schema pgflow to ROLE; grant execute on function pgflow.start_flow_with_states,"
    " pgflow.get_run_with_states to ROLE, where ROLE is the key's: service_role, authenticated or anon"
)


class Rest:
    """Calls functions of the schema pgflow with a key's rights."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._url = url
        self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=True)
        options = AsyncClientOptions(
            schema=SCHEMA,
            httpx_client=self._http,
            persist_session=False,
            auto_refresh_token=False,
            postgrest_client_retry=False,  # whoever calls knows what may be repeated
        )
        self._client = AsyncClient(url, key, options)

    async def call(self, function: str, **arguments: object) -> Any:
        """What a function returns, as JSON.

        Raises:
            PgflowError: as a client with a connection does; ConnectionFailed where nobody answers.
        """
        try:
            reply = await self._client.rpc(function, arguments).execute()
        except APIError as error:
            raise _translated(error, function) from error
        except httpx.TransportError as error:
            raise ConnectionFailed(
                hidden(f"cannot reach {self._url}: {error or type(error).__name__}"),
                help="check SUPABASE_URL, and that the project is not paused",
            ) from error
        return reply.data

    async def close(self) -> None:
        await self._http.aclose()


def _translated(error: APIError, function: str) -> PgflowError:
    code, text = str(error.code or ""), hidden(str(error.message or "it was refused"))
    if code in BY_SQLSTATE:
        return BY_SQLSTATE[code](text, help=error.hint or None)
    if code in _NOT_EXPOSED:
        return PermissionDenied(
            f"the schema {SCHEMA} is not exposed: {text}",
            help=f"add {SCHEMA} to the exposed schemas in the project's API settings",
        )
    if code in _NOT_LET_IN or code in ("401", "403"):
        return PermissionDenied(f"{function}: {text}", help=_GRANTS)
    if code in _NO_SUCH_FUNCTION:
        return CoreMissing(
            f"there is no function {SCHEMA}.{function}: {text}", help="run `pgflow-gen migrate`"
        )
    if code.startswith("5") and len(code) == 3:
        return ConnectionFailed(f"{function}: {text} ({code})")
    failure = DatabaseError(text)
    failure.sqlstate = code
    return failure
