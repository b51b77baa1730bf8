"""The statements the dashboard sends, named: functions and views that pgflow_client may use."""

from __future__ import annotations

from typing import Final

CORE_VERSION: Final = "select pgflow.schema_version() as version, p.client from pgflow.oldest_program() p"

ROLES: Final = """
select r.rolname as name
from pg_catalog.pg_roles r
where r.rolname = any(%(roles)s)
  and exists (
    select from pg_catalog.pg_namespace
    where nspname = 'pgflow' and pg_catalog.pg_get_userbyid(nspowner) = %(owner)s
  )
"""

FIND_RUNS: Final = """
select run_id, flow_slug, status, started_at, ended_at, remaining_steps, step_count, error_message,
  cancel_reason, held_at, begins_at, waits_for, waits_until
from pgflow.find_runs(
  only_flow => %(flow)s, only_status => %(status)s, since => %(since)s, until => %(until)s,
  before_at => %(before_at)s, before_id => %(before_id)s, max_runs => %(limit)s, max_scanned => %(scan)s,
  in_input => %(in_input)s, input_contains => %(input_contains)s::jsonb, id_from => %(id_from)s,
  id_below => %(id_below)s, only_error => %(error)s
)
"""

RUN: Final = """
select progress
from pgflow.get_run_progress(array[%(run_id)s::uuid], %(known)s::jsonb, -1)
"""

VALUES: Final = """
select step_slug, kind, stored_bytes, shown
from pgflow.get_run_values(%(run_id)s, %(max_bytes)s, %(max_chars)s)
"""

VALUE: Final = """
select value::text as text
from pgflow.get_run_values(%(run_id)s)
where step_slug is not distinct from %(step)s::text and kind = %(kind)s
"""

TASKS: Final = """
select step_slug, task_index, status, attempts_count, requeued_count, queued_at, started_at, ended_at,
  last_worker_id, error_message, again_count, again_at, waits_for, due_at
from pgflow.list_tasks(%(run_id)s, %(step)s, %(first)s, %(limit)s)
"""

FIND_TASKS: Final = """
select step_slug, task_index, status, attempts_count, requeued_count, queued_at, started_at, ended_at,
  last_worker_id, error_message, again_count, again_at, waits_for, due_at
from pgflow.find_tasks(%(run_id)s, %(step)s, %(those)s, %(first)s, %(limit)s)
"""

FAILURES: Final = """
select flow_slug, step_slug, error_key, message, run_count, first_at, last_at, last_run_id
from pgflow.group_failures(%(flow)s, %(recent)s)
"""

TASK_COUNTS: Final = """
select step_slug, total, completed, started, failed, attempts, cancelled, again, polling, tolerated, round
from pgflow.count_tasks(%(run_id)s)
"""

TASK: Final = """
select pgflow.get_task(%(run_id)s, %(step)s, %(index)s, %(max_bytes)s, %(max_chars)s) as task
"""

FAILURE: Final = """
select step_slug, task_index, error_message from pgflow.get_run_failure(%(run_id)s)
"""

FLOWS: Final = "select flow_slug, created_at, step_count, is_paused from pgflow.list_flows()"

DEFINITION: Final = "select pgflow.get_flow_definition(%(flow)s) as definition"

MEASURE_RUNS: Final = """
select part_at, part_seconds, run_count, completed_count, failed_count, duration_p50_seconds,
  duration_p95_seconds, cancelled_count
from pgflow.measure_runs(%(flow)s, %(recent)s, %(parts)s)
"""

FAILURE_RATES: Final = """
select f.flow_slug, m.run_count, m.completed_count, m.failed_count
from pgflow.list_flows() f
cross join lateral (
  select sum(n.run_count) as run_count, sum(n.completed_count) as completed_count,
    sum(n.failed_count) as failed_count
  from pgflow.measure_runs(f.flow_slug, %(recent)s, 1, %(most)s) n
) m
"""

MEASURE_STEPS: Final = """
select step_slug, step_type, run_count, retry_count, again_count, requeue_count, completed_task_count,
  failed_task_count, duration_p50_seconds, duration_p95_seconds, wait_p50_seconds, wait_p95_seconds
from pgflow.measure_steps(%(flow)s, %(recent)s, %(runs)s)
"""

ACTIONS: Final = """
select at, actor, session_role, action, run_ids, run_count, arguments, outcome
from pgflow.list_actions(%(run_id)s, %(flow)s, %(limit)s)
"""

WORKERS: Final = """
select worker_id, queue_name, function_name, started_at, last_heartbeat_at, deprecated_at, stopped_at, beats,
  details, clock_timestamp() as now
from pgflow.list_workers()
"""

WAITING: Final = """
select flow_slug, step_slug, run_id, key, since, deadline_at
from pgflow.list_waiting_signals(
  max_count => %(limit)s, after_since => %(after_since)s, after_run_id => %(after_run)s,
  after_step_slug => %(after_step)s
)
"""

SCHEDULES: Final = """
select s.flow_slug, s.schedule_slug, s.spec, s.is_paused, s.next_fire, s.last_fire, s.last_run_id,
  s.last_outcome, s.error_message,
  array(select pgflow.next_fires(s.flow_slug, s.schedule_slug, %(fires)s)) as next_fires
from pgflow.list_schedules() s
"""

CHILDREN: Final = """
select step_slug, task_index, attempt, run_id, flow_slug, status, started_at, ended_at, error_message
from pgflow.list_children(
  %(run_id)s, %(step)s, %(limit)s, %(after_step)s::text, %(after_index)s::int, %(after_attempt)s::int
)
"""

LAST_CHILDREN: Final = """
select c.*
from unnest(%(steps)s::text[]) s(slug)
cross join lateral (
  select step_slug, task_index, attempt, run_id, flow_slug, status, started_at, ended_at, error_message
  from pgflow.list_children(%(run_id)s, s.slug, 100)
  order by task_index desc, attempt desc
  limit 1
) c
"""

COMPANIONS: Final = """
select kind, end_number, run_id, flow_slug, status, started_at, ended_at, error_message
from pgflow.list_companions(%(run_id)s)
"""

FAILED_UNDOS: Final = """
select run_id, flow_slug, of_run_id, of_flow_slug, end_number, failed_at, error_message
from pgflow.list_failed_undos(%(limit)s)
"""

QUEUES: Final = """
select flow_slug, queue_length, visible_count, started_count, delayed_count, oldest_message_seconds,
  longest_wait_seconds, worker_count, waiting_count
from pgflow.queue_metrics
order by flow_slug
"""
