"""Forms with a value that people write as JSON: how they are sent, and how one is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from pgflow_runtime.dashboard.web import (
    LARGEST_FORM,
    OTHER_BROWSER,
    caught_up,
    read_fields,
    refused_status,
    site_of,
)
from pgflow_runtime.errors import InvalidInput, PgflowError, UsageError

Fields: TypeAlias = Mapping[str, list[str]]
Fault: TypeAlias = Mapping[str, Any]

_READING = asyncio.Semaphore(2)
"""Forms that are read at a time: each may be as large as an input."""


async def submitted(
    request: Request,
    act: Callable[[Fields], Awaitable[str]],
    show: Callable[[Fields, Fault, int], Response],
) -> Response:
    """Do what a form asks for.

    Args:
        act: does it, and says which page comes next. Raises UsageError and InvalidInput for what was written
            wrongly, other errors of ours for what the database refuses.
        show: the form again, with what was written, what is wrong with it, and the status.
    """
    async with _READING:
        fields = await read_fields(request, LARGEST_FORM)

    def refused(status: int, message: str, help: str | None = None) -> Response:
        return show(fields, {"message": message, "help": help}, status)

    if not site_of(request).sessions.is_form_key(request, last(fields, "key")):
        return refused(403, OTHER_BROWSER)
    try:
        address = await act(fields)
    except (UsageError, InvalidInput) as error:
        return refused(422, error.message, error.help)
    except PgflowError as error:
        return refused(refused_status(error), error.message, error.help)
    return await caught_up(request, address)


def last(fields: Fields, name: str) -> str:
    """What was written into the field; nothing where it was not sent."""
    return fields.get(name, [""])[-1]
