"""The statements clients and commands send, named. The worker's own live with the worker."""

from __future__ import annotations

from typing import Final

CORE_VERSION: Final = "select pgflow.schema_version(), p.client from pgflow.oldest_program() p"

START_FLOWS: Final = """
select status, output::text, remaining_steps, started_at, completed_at, failed_at, error_message,
  cancelled_at, cancel_reason, begins_at
from pgflow.start_flows(%s, %s::jsonb[], %s::uuid[], array_fill(%s::jsonb, %s::int[]), %s::jsonb)
"""

SEND_SIGNALS: Final = """
select outcome
from pgflow.send_signals(
  %(run_ids)s::uuid[], %(step_slugs)s::text[], %(payloads)s::jsonb[], %(dedupes)s::text[]
)
"""

SEND_BY_KEY: Final = """
select run_id, outcome
from pgflow.send_signal_by_key(%(flow_slug)s, %(step_slug)s, %(key)s, %(payload)s::jsonb, %(dedupe)s)
"""

LIST_WAITING: Final = """
select flow_slug, step_slug, run_id, key, since, deadline_at
from pgflow.list_waiting_signals(
  %(flow_slug)s, %(step_slug)s, %(limit)s, %(after_since)s, %(after_run_id)s, %(after_step_slug)s
)
"""

GET_PROGRESS: Final = """
select run_id, progress::text
from pgflow.get_run_progress(%(run_ids)s::uuid[], %(known)s::jsonb, %(max_bytes)s::int)
"""

GET_VALUE: Final = """
select value::text
from pgflow.get_run_values(%(run_id)s)
where step_slug is not distinct from %(step_slug)s::text and kind = %(kind)s
"""

EXPORT_TASKS: Final = """
select l.task_index, l.status, l.attempts_count, l.requeued_count, l.ended_at,
  case when l.status = 'completed' then t.task -> 'output' else nullif(t.task -> 'output', 'null') end::text,
  t.task ->> 'error_message',
  nullif(t.task -> 'attempt_errors', 'null')::text, (t.task ->> 'forgiven_count')::int,
  t.task ->> 'permanently_stalled_at', (t.task ->> 'round')::int, nullif(t.task -> 'state', 'null')::text
from pgflow.list_tasks(%(run_id)s, %(step_slug)s, 0, 2147483647) l
left join lateral (
  select pgflow.get_task(%(run_id)s, l.step_slug, l.task_index) as task
  where l.attempts_count > 0 and (l.attempts_count > 1 or l.status <> 'completed' or %(whole)s)
  offset 0
) t on true
order by l.task_index
"""
"""Of tasks that were done at once, and whose step holds what they gave, no more is asked than lists have."""

FIND_FAILED: Final = """
select run_id, status, started_at, ended_at
from pgflow.find_runs(
  %(flow_slug)s, 'failed', before_at => %(before_at)s, before_id => %(before_id)s, max_runs => %(limit)s
)
"""

GET_DEFINITION: Final = "select pgflow.get_flow_definition(%(flow_slug)s)"

GET_STRUCTURE: Final = "select pgflow.get_flow_definition(%(flow_slug)s) -> 'structure'"

WATCH: Final = "select pgflow.watch_runs(%(watcher_id)s, %(run_ids)s::uuid[], %(seconds)s)"

UNWATCH: Final = "select pgflow.unwatch_runs(%(watcher_id)s, %(run_ids)s::uuid[])"

GET_FAILURE: Final = """
select step_slug, task_index, error_message from pgflow.get_run_failure(%(run_id)s)
"""

LIST_CHILDREN: Final = """
select step_slug, task_index, attempt, run_id, flow_slug, status, started_at, ended_at, error_message
from pgflow.list_children(
  %(run_id)s, %(step_slug)s, %(limit)s, %(after_step_slug)s, %(after_task_index)s, %(after_attempt)s
)
"""

LIST_COMPANIONS: Final = """
select kind, end_number, run_id, flow_slug, status, started_at, ended_at, error_message
from pgflow.list_companions(%(run_id)s)
"""

LIST_FAILED_UNDOS: Final = """
select run_id, flow_slug, of_run_id, of_flow_slug, end_number, started_at, failed_at, error_message
from pgflow.list_failed_undos(%(limit)s)
"""

LIST_RUNS: Final = """
select run_id, flow_slug, status, started_at, ended_at, remaining_steps, begins_at, waits_for, waits_until
from pgflow.list_runs(%(flow_slug)s, %(status)s, %(limit)s)
"""

LIST_FAILED: Final = """
select r.run_id, r.flow_slug, r.started_at, r.ended_at, t.step_slug, t.task_index, t.error_message
from pgflow.find_runs(%(flow_slug)s, 'failed', max_runs => %(limit)s, max_scanned => 1000000) r
left join lateral pgflow.get_run_failure(r.run_id) t on true
where r.status is not null and (r.ended_at >= %(since)s or %(since)s is null)
"""

CANCEL_RUNS: Final = """
select run_id, outcome from pgflow.cancel_runs(%(run_ids)s::uuid[], %(reason)s, %(actor)s)
"""

RETRY_RUNS: Final = """
select run_id, outcome
from pgflow.retry_runs(
  %(run_ids)s::uuid[], %(spread)s, jsonb_build_object('even_if_undone', %(even_if_undone)s::boolean),
  %(actor)s
)
"""

HOLD_RUNS: Final = "select run_id, outcome from pgflow.hold_runs(%(run_ids)s::uuid[], %(actor)s)"

RELEASE_RUNS: Final = """
select run_id, outcome from pgflow.release_runs(%(run_ids)s::uuid[], %(spread)s, %(actor)s)
"""

FORK_RUN: Final = """
select pgflow.fork_run(%(run_id)s, %(from_steps)s::text[], %(input)s::jsonb, %(new_run_id)s, %(actor)s)
"""

NOW: Final = "select clock_timestamp()"
"""By the database's clock, which is the one that runs are started by."""

COUNT_WHERE: Final = "select pgflow.count_runs_where(%(filter)s::jsonb, %(action)s)"

CANCEL_WHERE: Final = """
select changed, last_id
from pgflow.cancel_runs_where(%(filter)s::jsonb, %(reason)s, %(after_id)s, actor => %(actor)s)
"""

RETRY_WHERE: Final = """
select changed, last_id
from pgflow.retry_runs_where(%(filter)s::jsonb, %(spread)s, %(after_id)s, actor => %(actor)s)
"""

HOLD_WHERE: Final = """
select changed, last_id from pgflow.hold_runs_where(%(filter)s::jsonb, %(after_id)s, actor => %(actor)s)
"""

RELEASE_WHERE: Final = """
select changed, last_id
from pgflow.release_runs_where(%(filter)s::jsonb, %(spread)s, %(after_id)s, actor => %(actor)s)
"""

PAUSE_FLOW: Final = "select pgflow.pause_flow(%(flow_slug)s, %(actor)s)"

RESUME_FLOW: Final = "select pgflow.resume_flow(%(flow_slug)s, %(actor)s)"

LIST_SCHEDULES: Final = """
select flow_slug, schedule_slug, spec, input, is_paused, next_fire, last_fire, last_run_id, last_outcome,
  error_message
from pgflow.list_schedules(%(flow_slug)s)
"""

CREATE_SCHEDULE: Final = """
select pgflow.create_schedule(%(flow_slug)s, %(schedule_slug)s, %(spec)s::jsonb, %(input)s::jsonb)
"""

DROP_SCHEDULE: Final = "select pgflow.drop_schedule(%(flow_slug)s, %(schedule_slug)s)"

PAUSE_SCHEDULE: Final = "select pgflow.pause_schedule(%(flow_slug)s, %(schedule_slug)s, %(actor)s)"

RESUME_SCHEDULE: Final = "select pgflow.resume_schedule(%(flow_slug)s, %(schedule_slug)s, %(actor)s)"

FIRE_SCHEDULE: Final = "select pgflow.fire_schedule(%(flow_slug)s, %(schedule_slug)s, %(actor)s)"

COUNT_TASKS: Final = """
select step_slug, total, completed, started, failed, attempts, cancelled, again, polling,
  waiting, due_at, tolerated, round
from pgflow.count_tasks(%(run_id)s)
"""

COUNT_WORKERS: Final = """
select count(*)
from pgflow.list_workers('30 seconds', 100000)
where queue_name = %(flow_slug)s and stopped_at is null and deprecated_at is null
"""
