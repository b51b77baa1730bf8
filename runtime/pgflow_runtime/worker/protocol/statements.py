"""The statements the worker sends. All arrays travel as text literals (``database.arrays``)."""

from __future__ import annotations

from typing import Final

from pgflow_runtime.worker.protocol.rows import COLUMNS

CLAIM: Final = f"select {COLUMNS} from pgflow.claim_tasks(%s::uuid[], %s::text[], %s, %s, %s::text[])"  # noqa: S608

CLAIM_MEASURED: Final = (
    f"select {COLUMNS} from pgflow.claim_tasks(%s::uuid[], %s::text[], %s, %s, %s::text[], %s)"  # noqa: S608
)

COMPLETE: Final = (
    f"select {COLUMNS} from pgflow.complete_tasks("  # noqa: S608
    "%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], %s::jsonb[], %s, %s::text[])"
)

AGAIN: Final = (
    f"select {COLUMNS} from pgflow.again_tasks("  # noqa: S608
    "%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], %s::jsonb[], "
    "array_replace(%s::bigint[], -1, null), %s, %s::text[])"
)

BEFORE_COMMIT: Final = """
select pg_catalog.set_config('lock_timeout', %s::pg_catalog.int4::pg_catalog.text, true),
  pg_catalog.set_config('idle_in_transaction_session_timeout', '10s', true)
"""
"""A handler's transaction waits for its run no longer than its task may take, and does not keep it either."""

FAIL: Final = (
    f"select {COLUMNS} from pgflow.fail_tasks("  # noqa: S608
    "%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[], %s::text[], %s::boolean[], "
    "array_replace(%s::int[], -1, null))"
)

LOCKED_RUNS: Final = "select locked::text from pgflow.locked_runs(%s::uuid[]) locked"

RELEASE: Final = "select pgflow.release_tasks(%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[])"

CORE_VERSION: Final = "select pgflow.schema_version(), p.worker from pgflow.oldest_program() p"
REGISTER: Final = "select pgflow.register_worker(%s::uuid, %s, %s, %s::jsonb)"
TRACK: Final = "select pgflow.track_worker(%s, %s)"

STOPPED: Final = "select pgflow.mark_worker_stopped(id) from unnest(%s::uuid[]) as id"

HEARTBEAT: Final = """
select worker_id::text, deprecated_at is not null, lost, reasons
from pgflow.heartbeat_workers(%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::int[])
"""

RECOVER: Final = "select pgflow.recover_stalled_tasks()"

FIRE_TIMERS: Final = "select fired_count, failed_count, next_in from pgflow.fire_timers(%s)"

PRUNE_BATCH: Final = "select pgflow.prune_batch(%s, %s)"

MEASURE_QUEUES: Final = """
select f.slug, m.queue_length, m.visible_count, m.longest_wait_seconds, m.waiting_count,
  m.failing_timer_count, m.waiting_signal_count, m.longest_signal_wait_seconds, m.paused_schedule_count,
  m.failing_schedule_count, m.late_schedule_seconds, m.failed_undo_count
from unnest(%s::text[]) f(slug) cross join lateral pgflow.measure_queue(f.slug) m
"""

ANNOUNCE: Final = "select pgflow.announce_idle(%s::uuid[], %s)"

WITHDRAW: Final = "select pgflow.withdraw_idle(%s::uuid[])"

RUN_INPUT: Final = "select pgflow.get_run_input(%s::uuid)::text"

STEP_INPUT: Final = "select input::text from pgflow.get_step_inputs(array[%s::uuid], array[%s::text])"

DEFINITION: Final = "select pgflow.get_flow_definition(%s)"

NOTE_INPUT_READERS: Final = "select pgflow.note_input_readers(%s, %s::jsonb)"

STARTED_TASKS: Final = """
select worker_id::text, run_id::text, step_slug, task_index, attempt
from pgflow.started_tasks(%s::uuid[])
"""
