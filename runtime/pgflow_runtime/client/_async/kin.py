"""The runs that a run brought about: its tasks' children, and the companions of its ends."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pgflow_runtime.client._async.watcher import AsyncWatcher
from pgflow_runtime.database import queries
from pgflow_runtime.runs.kin import ChildRun, CompanionRun

AT_ONCE: Final = 1000
"""Children that one look at the database brings."""


async def list_children(watcher: AsyncWatcher, run_id: UUID, step_slug: str | None) -> list[ChildRun]:
    """All of them, by step, task and attempt. Raises what the database says."""
    found: list[ChildRun] = []
    while True:
        last = found[-1] if found else None
        values = {
            "run_id": run_id,
            "step_slug": step_slug,
            "limit": AT_ONCE,
            "after_step_slug": last.step_slug if last is not None else None,
            "after_task_index": last.task_index if last is not None else None,
            "after_attempt": last.attempt if last is not None else None,
        }
        page = [ChildRun(*row) for row in await watcher.fetch_all(queries.LIST_CHILDREN, values)]
        found += page
        if len(page) < AT_ONCE:
            return found


async def list_companions(watcher: AsyncWatcher, run_id: UUID) -> list[CompanionRun]:
    """Those of its first end first. Raises what the database says."""
    rows = await watcher.fetch_all(queries.LIST_COMPANIONS, {"run_id": run_id})
    return [CompanionRun(*row) for row in rows]
