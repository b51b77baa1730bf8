"""Rows may be moved through the states by hand (specification/core.md, "Statuses")."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.core import Core


@pytest.fixture
def run_id(core: Core) -> UUID:
    core.flow("f", "a", "b < a")
    result: UUID = core.start_flow("f").run_id
    return result


@pytest.mark.parametrize(
    "change",
    [
        "status = 'failed'",
        "status = 'failed', failed_at = now()",
        "status = 'completed'",
        "status = 'completed', completed_at = now(), remaining_steps = 0",
        "status = 'completed', completed_at = now()",
        "remaining_steps = 0",
        "started_at = now() - interval '2 days'",
    ],
)
def test_runs(core: Core, run_id: UUID, change: str) -> None:
    core.run_sql(f"update pgflow.runs set {change} where run_id = %s", run_id)


@pytest.mark.parametrize(
    "changes",
    [
        ["remaining_tasks = null"],
        ["status = 'completed', remaining_tasks = 0, started_at = now(), completed_at = now()"],
        [
            "status = 'completed', remaining_tasks = 0, completed_at = now(), output = '1'",
            "status = 'created', remaining_tasks = null, started_at = null, "
            "completed_at = null, output = null",
        ],
        ["status = 'failed', failed_at = now()"],
        ["status = 'skipped', skip_reason = 'because', skipped_at = now(), remaining_tasks = null"],
        ["created_at = now() - interval '9 days'", "started_at = now() - interval '8 days'"],
    ],
)
def test_step_states(core: Core, run_id: UUID, changes: list[str]) -> None:
    for change in changes:
        core.run_sql(f"update pgflow.step_states set {change} where step_slug = 'a'")


@pytest.mark.parametrize(
    "changes",
    [
        ["message_id = null"],
        ["status = 'started', started_at = now()"],
        ["status = 'queued', started_at = null, attempts_count = 0"],
        ["queued_at = now() - interval '9 days'", "started_at = now() - interval '8 days'"],
        ["status = 'completed', completed_at = now(), output = '1'"],
        ["status = 'failed', failed_at = now(), output = '1'"],
        ["requeued_count = 3, last_requeued_at = now(), permanently_stalled_at = now()"],
    ],
)
def test_step_tasks(core: Core, run_id: UUID, changes: list[str]) -> None:
    core.poll("f")
    for change in changes:
        core.run_sql(f"update pgflow.step_tasks set {change}")


def test_a_task_can_be_inserted_without_message(core: Core, run_id: UUID) -> None:
    core.run_sql(
        """insert into pgflow.step_tasks
             (flow_slug, run_id, step_slug, task_index, status, queued_at, started_at)
           values ('f', %s, 'a', 1, 'started', now(), now())""",
        run_id,
    )
    assert core.task(run_id, "a", 1).message_id is None


def test_worker_rows_can_be_upserted(core: Core) -> None:
    worker = core.worker("f")
    core.worker("f", worker)
    assert core.value("select count(*) from pgflow.workers") == 1
