"""The set-based functions of the core (the ones workers call), for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tests.support.core import SQL_NULL, Core, Json, Row


def register(core: Core, flow_slug: str) -> UUID:
    """A new registered worker of a flow."""
    worker_id = uuid4()
    core.run_sql("select pgflow.register_worker(%s, %s, %s)", worker_id, flow_slug, f"{flow_slug}_worker")
    return worker_id


def claim(core: Core, *workers: tuple[UUID, str], max_tasks: int = 100, **options: Any) -> list[Row]:
    """Claim tasks for (worker, flow) pairs. Options: visibility_timeout, flow_input_steps."""
    found = core.rows(
        "select * from pgflow.claim_tasks(%(workers)s::uuid[], %(flows)s::text[], %(max)s, "
        "%(visibility_timeout)s, %(flow_input_steps)s::text[])",
        {
            "workers": [worker for worker, _ in workers],
            "flows": [flow for _, flow in workers],
            "max": max_tasks,
            "visibility_timeout": options.pop("visibility_timeout", 2),
            "flow_input_steps": list(options.pop("flow_input_steps", ())),
        },
    )
    assert not options
    assert {row.outcome for row in found} <= {"claimed"}
    return found


def claim_one(core: Core, worker: UUID, flow_slug: str) -> Row:
    (task,) = claim(core, (worker, flow_slug), max_tasks=1)
    return task


def _address(tasks: Sequence[Row]) -> dict[str, Any]:
    return {
        "workers": [task.worker_id for task in tasks],
        "runs": [task.run_id for task in tasks],
        "steps": [task.step_slug for task in tasks],
        "indexes": [task.task_index for task in tasks],
        "attempts": [task.attempt for task in tasks],
    }


ADDRESS = "%(workers)s::uuid[], %(runs)s::uuid[], %(steps)s::text[], %(indexes)s::int[], %(attempts)s::int[]"


def complete(
    core: Core,
    tasks: Sequence[Row],
    outputs: Sequence[Json] | None = None,
    *,
    hand_over: int = 0,
    flow_input_steps: Sequence[str] = (),
) -> list[Row]:
    """Complete claimed tasks; without outputs each gives JSON null."""
    given = [None] * len(tasks) if outputs is None else outputs
    return core.rows(
        f"select * from pgflow.complete_tasks({ADDRESS}, %(outputs)s::jsonb[], %(over)s, %(want)s::text[])",
        {
            **_address(tasks),
            "outputs": [None if output is SQL_NULL else Jsonb(output) for output in given],
            "over": hand_over,
            "want": list(flow_input_steps),
        },
    )


def fail(
    core: Core,
    tasks: Sequence[Row],
    messages: Sequence[str | None] | None = None,
    *,
    retryable: Sequence[bool | None] | None = None,
    retry_after: Sequence[int | None] | None = None,
) -> list[Row]:
    """Fail claimed tasks; without messages each says "boom"."""
    return core.rows(
        f"select * from pgflow.fail_tasks({ADDRESS}, %(messages)s::text[], %(retryable)s::boolean[], "
        "%(after)s::int[])",
        {
            **_address(tasks),
            "messages": ["boom"] * len(tasks) if messages is None else list(messages),
            "retryable": None if retryable is None else list(retryable),
            "after": None if retry_after is None else list(retry_after),
        },
    )


def again(
    core: Core,
    tasks: Sequence[Row],
    states: Sequence[Json] | None = None,
    delays_ms: Sequence[int | None] | None = None,
    *,
    hand_over: int = 0,
    flow_input_steps: Sequence[str] = (),
) -> list[Row]:
    """End a round of claimed loops; without states the next gets null, without delays what the step says."""
    given = [None] * len(tasks) if states is None else states
    return core.rows(
        f"select * from pgflow.again_tasks({ADDRESS}, %(states)s::jsonb[], %(delays)s::bigint[], %(over)s, "
        "%(want)s::text[])",
        {
            **_address(tasks),
            "states": [None if state is None else Jsonb(state) for state in given],
            "delays": None if delays_ms is None else list(delays_ms),
            "over": hand_over,
            "want": list(flow_input_steps),
        },
    )


def release(core: Core, tasks: Sequence[Row]) -> int:
    """Give claimed tasks back; returns how many were."""
    released: int = core.value(f"select pgflow.release_tasks({ADDRESS})", _address(tasks))
    return released


def changed(task: Row, **fields: Any) -> Row:
    """The claim of a task with other values, for example of another worker."""
    return task._replace(**fields)
