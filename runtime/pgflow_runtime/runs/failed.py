"""Failed runs, however many there are: page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from pgflow_runtime.database import queries

PAGE = 500


def failed_run_ids(
    connection: psycopg.Connection[Any], flow_slug: str | None, since: datetime | None
) -> Iterator[UUID]:
    """Runs that are failed, and failed after ``since``, those that started last first. None: any."""
    before: tuple[datetime | None, UUID | None] = (None, None)
    while True:
        values = {"flow_slug": flow_slug, "before_at": before[0], "before_id": before[1], "limit": PAGE}
        rows = connection.execute(queries.FIND_FAILED, values).fetchall()
        for run_id, status, _, ended_at in rows:
            if status is not None and (since is None or ended_at >= since):
                yield run_id
        if not rows or (len(rows) < PAGE and rows[-1][1] is not None):
            return
        before = (rows[-1][2], rows[-1][0])
