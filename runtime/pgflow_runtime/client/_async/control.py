"""What the functions of run control have in common: cancel, retry, hold and release, by id and by filter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, TypedDict
from uuid import UUID

from pgflow_runtime.client._async.watcher import AsyncWatcher
from pgflow_runtime.database import queries

if TYPE_CHECKING:
    from pgflow_shared.statuses import RunStatus


class RunFilter(TypedDict, total=False):
    """Which runs are meant: those that fit every key. The last two need ``flow`` and a window of time."""

    flow: str
    """The flow's slug in the database."""
    status: RunStatus
    started_after: datetime
    started_before: datetime
    failed_step: str
    error_contains: str
    input_contains: Any
    """JSON that the input contains, as PostgreSQL's ``@>``."""


async def control(
    watcher: AsyncWatcher, statement: LiteralString, run_ids: Sequence[UUID], **arguments: object
) -> dict[UUID, str]:
    """What became of each run. Raises what the database says."""
    values = {"run_ids": list(run_ids), "actor": None, **arguments}
    return dict(await watcher.fetch_all(statement, values))


async def count_where(watcher: AsyncWatcher, filter: RunFilter) -> int:
    row = await watcher.fetch_one(queries.COUNT_WHERE, {"filter": _text_of(filter), "action": None})
    return 0 if row is None else int(row[0])


async def control_where(
    watcher: AsyncWatcher, statement: LiteralString, filter: RunFilter, **arguments: object
) -> int:
    """Page by page, a transaction each; how many were changed. Raises what the database says.

    What starts while this goes on is not meant, so it ends.
    """
    now = await watcher.fetch_one(queries.NOW, {})
    text = _text_of({"started_before": None if now is None else now[0], **filter})
    total = 0
    after_id: UUID | None = None
    while True:
        values = {"filter": text, "after_id": after_id, "actor": None, **arguments}
        row = await watcher.fetch_one(statement, values)
        changed, after_id = row if row is not None else (0, None)
        total += int(changed)
        if after_id is None:
            return total


def _text_of(filter: Mapping[str, Any] | RunFilter) -> str:
    moments = {key: value.isoformat() for key, value in filter.items() if isinstance(value, datetime)}
    return json.dumps({**filter, **moments})
