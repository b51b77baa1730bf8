"""The runs that a run brought about, for its pages: children of its steps, companions of its ends."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pgflow_runtime.dashboard.reading import statements
from pgflow_runtime.dashboard.reading.flows import DashboardFlow
from pgflow_runtime.dashboard.reading.reader import Reader, Row

LAST_ATTEMPT = 2**31 - 1


async def read_children(
    reader: Reader, run_id: UUID, step: str, *, first: int = 0, limit: int = 1
) -> list[Row]:
    """The children of a step's tasks from an index on, of each task the one of its latest attempt."""
    rows = await reader.rows(
        statements.CHILDREN,
        run_id=run_id,
        step=step,
        limit=limit,
        after_step=step if first else None,
        after_index=first - 1 if first else None,
        after_attempt=LAST_ATTEMPT if first else None,
    )
    return list({row["task_index"]: row for row in rows}.values())


async def read_children_of_task(reader: Reader, run_id: UUID, step: str, index: int) -> list[Row]:
    """The children of all attempts at a task."""
    rows = await reader.rows(
        statements.CHILDREN,
        run_id=run_id,
        step=step,
        limit=100,
        after_step=step if index else None,
        after_index=index - 1 if index else None,
        after_attempt=LAST_ATTEMPT if index else None,
    )
    return [row for row in rows if row["task_index"] == index]


async def read_only_children(
    reader: Reader, run_id: UUID, flow: DashboardFlow, steps: Sequence[str]
) -> dict[str, Row]:
    """By step: the run that a single subflow step has started last."""
    single = [slug for slug in steps if flow.kinds.get(slug) == "subflow" and flow.types.get(slug) != "map"]
    if not single:
        return {}
    rows = await reader.rows(statements.LAST_CHILDREN, run_id=run_id, steps=single)
    return {row["step_slug"]: row for row in rows}


async def read_companions(reader: Reader, run_id: UUID, flow: DashboardFlow) -> list[Row]:
    """What the run's ends have started; nothing is asked where the flow has no ends."""
    return await reader.rows(statements.COMPANIONS, run_id=run_id) if flow.has_ends else []
