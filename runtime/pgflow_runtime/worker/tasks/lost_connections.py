"""Connections lost under transactional steps: the database's trouble, which costs a task no attempt.

Such a task is given back to its queue. What was lost may have been the answer to a commit that came through;
giving back is fenced and waits for a transaction that is still open, so that a stored task stays stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection, Connection

from pgflow_runtime.database.refusals import is_lost
from pgflow_runtime.dsl.retry_control import NonRetryable, RetryAfter
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.worker.protocol.rows import TaskRow

READ_ONLY = "25006"
"""SQLSTATE of a server that takes no writes (our transactions say that they write): not the one to be at."""
MOST_LOSSES = 3
"""How often in a row a worker gives a task back; the next loss counts as a failed attempt."""
MOST_REMEMBERED = 1000

_Place: TypeAlias = tuple[str, str, int]


class LostConnections:
    """How often each task was given back: one whose own doing ends its connection must not go on for ever."""

    def __init__(self) -> None:
        self._counts: dict[_Place, int] = {}

    def may_release(self, row: TaskRow) -> bool:
        """Note one more loss; False when it is one too many, and the count begins anew."""
        place = row.run_id, row.step_slug, row.task_index
        count = self._counts.pop(place, 0) + 1
        if count > MOST_LOSSES:
            return False
        self._counts[place] = count
        if len(self._counts) > MOST_REMEMBERED:
            del self._counts[next(iter(self._counts))]
        return True


def is_loss(error: BaseException, connection: Connection[Any] | AsyncConnection[Any] | None) -> bool:
    """Whether an error says that this connection was lost, or leads to a server that stores nothing.

    None for a connection: there was none to be had.

    A handler that saw the loss may have made another error of it. What it says to steer its retries counts.
    """
    if isinstance(error, NonRetryable | RetryAfter | BoundaryError):
        return False
    parts = [part for part in _parts(error) if isinstance(part, psycopg.Error)]
    if connection is not None and not connection.broken:
        return any(part.sqlstate == READ_ONLY for part in parts)
    return any(is_lost(part) for part in parts)


def _parts(error: BaseException) -> Iterator[BaseException]:
    """An error, what it holds where it is a group, and what it came from."""
    waiting, seen = [error], set[int]()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += part.exceptions if isinstance(part, BaseExceptionGroup) else ()
        waiting += [cause for cause in (part.__cause__, part.__context__) if cause is not None]
