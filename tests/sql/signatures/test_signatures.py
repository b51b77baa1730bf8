"""Names, parameters, defaults and results of the functions are given exactly by the contract."""

from __future__ import annotations

import re

import pytest

from pgflow_sql.surface import surface
from tests.support.core import Core

TASK_ADDRESS = (
    "worker_ids uuid[], run_ids uuid[], step_slugs text[], task_indexes integer[], attempts integer[]"
)

# parameters (a default is written behind =), result, volatility where it is given
FUNCTIONS: dict[str, tuple[str, str] | tuple[str, str, str]] = {
    # the contract's base
    "is_valid_slug": ("slug text", "boolean", "i"),
    "start_flow": ("flow_slug text, input jsonb, run_id uuid = null", "setof runs"),
    "start_ready_steps": ("run_id uuid", "void"),
    "cascade_complete_taskless_steps": ("run_id uuid", "integer"),
    "maybe_complete_run": ("run_id uuid", "void"),
    "get_run_with_states": ("run_id uuid", "jsonb"),
    "start_flow_with_states": ("flow_slug text, input jsonb, run_id uuid = null", "jsonb"),
    "start_tasks": ("flow_slug text, msg_ids bigint[], worker_id uuid", "setof step_task_record"),
    "complete_task": (
        "run_id uuid, step_slug text, task_index integer, output jsonb",
        "setof step_tasks",
    ),
    "fail_task": (
        "run_id uuid, step_slug text, task_index integer, error_message text",
        "setof step_tasks",
    ),
    "calculate_retry_delay": ("base_delay numeric, attempts_count integer", "integer", "i"),
    "set_vt_batch": (
        "queue_name text, msg_ids bigint[], vt_offsets integer[]",
        "table(msg_id bigint, read_ct integer, enqueued_at timestamp with time zone, "
        "vt timestamp with time zone, message jsonb, headers jsonb)",
    ),
    # its newer part
    "_cascade_force_skip_steps": ("run_id uuid, step_slug text, skip_reason text", "integer"),
    "requeue_stalled_tasks": ("", "integer"),
    "setup_requeue_stalled_tasks_cron": ("cron_interval text = '15 seconds'", "text"),
    "is_local": ("", "boolean", "s"),
    "_get_flow_shape": ("p_flow_slug text", "jsonb"),
    "_create_flow_from_shape": ("p_flow_slug text, p_shape jsonb", "void"),
    "_compare_flow_shapes": ("p_local jsonb, p_db jsonb", "text[]"),
    "ensure_flow_compiled": ("flow_slug text, shape jsonb, allow_data_loss boolean = false", "jsonb"),
    "track_worker_function": ("function_name text", "void"),
    "mark_worker_stopped": ("worker_id uuid", "void"),
    "track_worker": ("function_name text, url text", "void"),
    "ensure_workers": ("", "table(function_name text, invoked boolean, request_id bigint)"),
    "setup_ensure_workers_cron": ("cron_interval text = '1 second'", "text"),
    "cleanup_ensure_workers_logs": ("retention_hours integer = 24", "table(cron_deleted bigint)"),
    "delete_flow_and_data": ("p_flow_slug text", "void"),
    "prune_data_older_than": ("retention_interval interval", "void"),
    "read_with_poll": (
        "queue_name text, vt integer, qty integer, max_poll_seconds integer = 5, "
        "poll_interval_ms integer = 100, conditional jsonb = '{}'",
        "setof pgmq.message_record",
    ),
    # with additions of ours behind the contract's parameters
    "create_flow": (
        "flow_slug text, max_attempts integer = null, base_delay integer = null, timeout integer = null, "
        "backoff text = null, max_delay integer = null, options jsonb = '{}'",
        "flows",
    ),
    "add_step": (
        "flow_slug text, step_slug text, deps_slugs text[] = '{}', max_attempts integer = null, "
        "base_delay integer = null, timeout integer = null, start_delay integer = null, "
        "step_type text = 'single', required_input_pattern jsonb = null, "
        "forbidden_input_pattern jsonb = null, when_unmet text = 'skip', when_exhausted text = 'fail', "
        "backoff text = null, max_delay integer = null, options jsonb = '{}'",
        "steps",
    ),
    # ours
    "start_flows": (
        "flow_slug text, inputs jsonb[], run_ids uuid[] = null, trace_contexts jsonb[] = null, "
        "options jsonb = '{}'",
        "setof runs",
    ),
    "claim_tasks": (
        "worker_ids uuid[], flow_slugs text[], max_tasks integer, visibility_timeout integer = 2, "
        "flow_input_steps text[] = '{}', max_bytes integer = null",
        "setof task_result",
    ),
    "complete_tasks": (
        f"{TASK_ADDRESS}, outputs jsonb[], hand_over integer = 0, flow_input_steps text[] = '{{}}'",
        "setof task_result",
    ),
    "again_tasks": (
        f"{TASK_ADDRESS}, states jsonb[], delays_ms bigint[] = null, hand_over integer = 0, "
        "flow_input_steps text[] = '{}'",
        "setof task_result",
    ),
    "create_schedule": ("flow_slug text, schedule_slug text, spec jsonb, input jsonb", "void"),
    "drop_schedule": ("flow_slug text, schedule_slug text", "boolean"),
    "pause_schedule": ("flow_slug text, schedule_slug text, actor text = null", "boolean"),
    "resume_schedule": ("flow_slug text, schedule_slug text, actor text = null", "boolean"),
    "fire_schedule": ("flow_slug text, schedule_slug text, actor text = null", "uuid"),
    "list_companions": (
        "parent_id uuid",
        "table(kind text, end_number integer, run_id uuid, flow_slug text, status text, "
        "started_at timestamp with time zone, ended_at timestamp with time zone, error_message text)",
        "s",
    ),
    "list_failed_undos": (
        "max_count integer = 50, after_run_id uuid = null",
        "table(run_id uuid, flow_slug text, of_run_id uuid, of_flow_slug text, end_number integer, "
        "started_at timestamp with time zone, failed_at timestamp with time zone, error_message text)",
        "s",
    ),
    "next_fires": (
        "flow_slug text, schedule_slug text, max_count integer = 5",
        "setof timestamp with time zone",
        "s",
    ),
    "list_schedules": (
        "only_flow text = null",
        "table(flow_slug text, schedule_slug text, spec jsonb, is_paused boolean, "
        "last_fire timestamp with time zone, next_fire timestamp with time zone, last_run_id uuid, "
        "last_outcome text, input jsonb, error_message text)",
    ),
    "fail_tasks": (
        f"{TASK_ADDRESS}, error_messages text[], retryable boolean[] = null, retry_after integer[] = null",
        "setof task_result",
    ),
    "release_tasks": (TASK_ADDRESS, "integer"),
    "recover_stalled_tasks": ("", "integer"),
    "fire_timers": (
        "max_count integer = 100",
        "table(fired_count integer, failed_count integer, next_in double precision)",
    ),
    "send_signals": (
        "run_ids uuid[], step_slugs text[], payloads jsonb[], dedupes text[] = null",
        "table(run_id uuid, step_slug text, outcome text)",
    ),
    "send_signal_by_key": (
        "flow_slug text, step_slug text, key text, payload jsonb, dedupe text = null",
        "table(run_id uuid, outcome text)",
    ),
    "list_waiting_signals": (
        "only_flow text = null, only_step text = null, max_count integer = 50, "
        "after_since timestamp with time zone = null, after_run_id uuid = null, after_step_slug text = null",
        "table(flow_slug text, step_slug text, run_id uuid, key text, since timestamp with time zone, "
        "deadline_at timestamp with time zone)",
        "s",
    ),
    "list_children": (
        "parent_id uuid, only_step text = null, max_count integer = 50, after_step_slug text = null, "
        "after_task_index integer = null, after_attempt integer = null",
        "table(step_slug text, task_index integer, attempt integer, run_id uuid, flow_slug text, "
        "status text, started_at timestamp with time zone, ended_at timestamp with time zone, "
        "error_message text)",
        "s",
    ),
    "get_run_origin": (
        "run_id uuid",
        "table(kind text, from_run_id uuid, step_slug text, task_index integer, attempt integer, "
        "schedule_slug text, fire_at timestamp with time zone, depth integer)",
        "s",
    ),
    "note_input_readers": ("flow_slug text, reads_input jsonb", "integer"),
    "hold_runs": ("run_ids uuid[], actor text = null", "table(run_id uuid, outcome text)"),
    "release_runs": (
        "run_ids uuid[], spread double precision = 0, actor text = null",
        "table(run_id uuid, outcome text)",
    ),
    "pause_flow": ("flow_slug text, actor text = null", "boolean"),
    "resume_flow": ("flow_slug text, actor text = null", "boolean"),
    "register_worker": (
        "worker_id uuid, queue_name text, function_name text, details jsonb = '{}'",
        "void",
    ),
    "heartbeat_workers": (
        "worker_ids uuid[], run_ids uuid[] = '{}', step_slugs text[] = '{}', task_indexes integer[] = '{}', "
        "attempts integer[] = '{}'",
        "table(worker_id uuid, deprecated_at timestamp with time zone, lost integer[], reasons text[])",
    ),
    "deprecate_worker": ("worker_id uuid", "void"),
    "announce_idle": ("worker_ids uuid[], seconds integer", "double precision"),
    "withdraw_idle": ("worker_ids uuid[]", "void"),
    "watch_runs": ("watcher_id uuid, run_ids uuid[], seconds integer", "void"),
    "unwatch_runs": ("watcher_id uuid, run_ids uuid[]", "void"),
    "get_flow_definition": ("flow_slug text", "jsonb"),
    "get_run_input": ("run_id uuid", "jsonb"),
    "get_step_inputs": (
        "run_ids uuid[], step_slugs text[]",
        "table(run_id uuid, step_slug text, input jsonb)",
        "s",
    ),
    "get_run_progress": (
        "run_ids uuid[], known jsonb = '{}', max_bytes integer = null",
        "table(run_id uuid, progress jsonb)",
        "s",
    ),
    "get_run_failure": ("run_id uuid", "table(step_slug text, task_index integer, error_message text)", "s"),
    "list_runs": (
        "only_flow text = null, only_status text = null, max_runs integer = 20",
        "table(run_id uuid, flow_slug text, status text, started_at timestamp with time zone, "
        "ended_at timestamp with time zone, remaining_steps integer, begins_at timestamp with time zone, "
        "waits_for text, waits_until timestamp with time zone)",
        "s",
    ),
    "backlog": ("flow_slug text", "bigint", "s"),
    "count_tasks": (
        "run_id uuid",
        "table(step_slug text, total bigint, completed bigint, started bigint, failed bigint, "
        "attempts bigint, cancelled bigint, again bigint, polling bigint, waiting bigint, "
        "due_at timestamp with time zone, tolerated bigint, round integer)",
        "s",
    ),
    "locked_runs": ("run_ids uuid[]", "setof uuid"),
    "stuck_runs": ("", "setof uuid"),
    "lock_holders": ("run_ids uuid[]", "setof integer"),
    "started_tasks": (
        "worker_ids uuid[]",
        "table(worker_id uuid, run_id uuid, step_slug text, task_index integer, attempt integer)",
        "s",
    ),
    "schema_version": ("", "integer"),
    "oldest_program": ("", "table(worker integer, client integer)", "i"),
    "alter_flow": (
        "flow_slug text, max_attempts integer = null, base_delay integer = null, timeout integer = null, "
        "backoff text = null, max_delay integer = null, options jsonb = '{}'",
        "flows",
    ),
    "alter_step": (
        "flow_slug text, step_slug text, max_attempts integer = null, base_delay integer = null, "
        "timeout integer = null, start_delay integer = null, required_input_pattern jsonb = null, "
        "forbidden_input_pattern jsonb = null, when_unmet text = null, when_exhausted text = null, "
        "backoff text = null, max_delay integer = null, options jsonb = '{}'",
        "steps",
    ),
    "cascade_resolve_conditions": ("run_id uuid", "boolean"),
    "new_run_id": ("", "uuid"),
    "measure_queue": (
        "flow_slug text",
        "table(queue_length bigint, visible_count bigint, started_count bigint, delayed_count bigint, "
        "oldest_message_seconds double precision, longest_wait_seconds double precision, "
        "sent_count bigint, archived_estimate bigint, waiting_count bigint, "
        "failing_timer_count bigint, waiting_signal_count bigint, "
        "longest_signal_wait_seconds double precision, paused_schedule_count bigint, "
        "failing_schedule_count bigint, late_schedule_seconds double precision, failed_undo_count bigint)",
        "s",
    ),
    "measure_steps": (
        "flow_slug text, recent interval = '01:00:00', max_runs integer = 1000",
        "table(step_slug text, step_type text, step_index integer, window_seconds double precision, "
        "run_count bigint, created_count bigint, started_count bigint, completed_count bigint, "
        "failed_count bigint, skipped_count bigint, queued_task_count bigint, started_task_count bigint, "
        "completed_task_count bigint, failed_task_count bigint, retry_count bigint, requeue_count bigint, "
        "completed_per_second double precision, duration_p50_seconds double precision, "
        "duration_p95_seconds double precision, duration_p99_seconds double precision, "
        "wait_p50_seconds double precision, wait_p95_seconds double precision, cancelled_count bigint, "
        "cancelled_task_count bigint, again_count bigint)",
        "s",
    ),
    # run control
    "cancel_runs": (
        "run_ids uuid[], reason text = null, actor text = null",
        "table(run_id uuid, outcome text)",
    ),
    "retry_runs": (
        "run_ids uuid[], spread double precision = 0, options jsonb = '{}', actor text = null",
        "table(run_id uuid, outcome text, root_run_id uuid)",
    ),
    "fork_run": (
        "run_id uuid, from_steps text[], input jsonb = null, new_run_id uuid = null, actor text = null",
        "uuid",
    ),
    "count_runs_where": ("filter jsonb, action text = null", "bigint"),
    "cancel_runs_where": (
        "filter jsonb, reason text = null, after_id uuid = null, max_runs integer = 1000, actor text = null",
        "table(changed integer, last_id uuid)",
    ),
    "retry_runs_where": (
        "filter jsonb, spread double precision = 0, after_id uuid = null, max_runs integer = 1000, "
        "actor text = null",
        "table(changed integer, last_id uuid)",
    ),
    "hold_runs_where": (
        "filter jsonb, after_id uuid = null, max_runs integer = 1000, actor text = null",
        "table(changed integer, last_id uuid)",
    ),
    "release_runs_where": (
        "filter jsonb, spread double precision = 0, after_id uuid = null, max_runs integer = 1000, "
        "actor text = null",
        "table(changed integer, last_id uuid)",
    ),
    "list_actions": (
        "only_run uuid = null, only_flow text = null, max_actions integer = 50, before_id bigint = null",
        "table(action_id bigint, at timestamp with time zone, actor text, session_role text, action text, "
        "flow_slug text, run_ids uuid[], run_count integer, arguments jsonb, outcome jsonb)",
        "s",
    ),
    # what the dashboard reads
    "find_runs": (
        "only_flow text = null, only_status text = null, since timestamp with time zone = null, "
        "until timestamp with time zone = null, before_at timestamp with time zone = null, "
        "before_id uuid = null, max_runs integer = 50, max_scanned integer = 10000, in_input text = null, "
        "input_contains jsonb = null, id_from uuid = null, id_below uuid = null, only_error text = null",
        "table(run_id uuid, flow_slug text, status text, started_at timestamp with time zone, "
        "ended_at timestamp with time zone, remaining_steps integer, step_count integer, error_message text, "
        "cancel_reason text, held_at timestamp with time zone, begins_at timestamp with time zone, "
        "waits_for text, waits_until timestamp with time zone)",
        "s",
    ),
    "count_stranded_runs": (
        "served text[], max_scanned integer = 10000",
        "table(flow_slug text, open_count integer)",
        "s",
    ),
    "list_flows": (
        "",
        "table(flow_slug text, created_at timestamp with time zone, step_count integer, is_paused boolean)",
        "s",
    ),
    "list_tasks": (
        "run_id uuid, only_step text = null, from_index integer = 0, max_tasks integer = 100",
        "table(step_slug text, task_index integer, status text, attempts_count integer, "
        "requeued_count integer, queued_at timestamp with time zone, started_at timestamp with time zone, "
        "ended_at timestamp with time zone, last_worker_id uuid, error_message text, again_count integer, "
        "again_at timestamp with time zone, waits_for text, due_at timestamp with time zone)",
        "s",
    ),
    "find_tasks": (
        "run_id uuid, only_step text, only_those text, skip integer = 0, max_tasks integer = 100",
        "table(step_slug text, task_index integer, status text, attempts_count integer, "
        "requeued_count integer, queued_at timestamp with time zone, started_at timestamp with time zone, "
        "ended_at timestamp with time zone, last_worker_id uuid, error_message text, again_count integer, "
        "again_at timestamp with time zone, waits_for text, due_at timestamp with time zone)",
        "s",
    ),
    "group_failures": (
        "only_flow text = null, recent interval = '7 days', max_runs integer = 2000, "
        "max_groups integer = 100",
        "table(flow_slug text, step_slug text, error_key text, message text, run_count bigint, "
        "first_at timestamp with time zone, last_at timestamp with time zone, last_run_id uuid)",
        "s",
    ),
    "get_task": (
        "run_id uuid, step_slug text, task_index integer, max_bytes integer = null, max_chars integer = null",
        "jsonb",
        "s",
    ),
    "get_run_values": (
        "run_id uuid, max_bytes integer = null, max_chars integer = null",
        "table(step_slug text, kind text, stored_bytes integer, value jsonb, shown text)",
        "s",
    ),
    "list_workers": (
        "recent interval = '1 day', max_workers integer = 500",
        "table(worker_id uuid, queue_name text, function_name text, started_at timestamp with time zone, "
        "last_heartbeat_at timestamp with time zone, deprecated_at timestamp with time zone, "
        "stopped_at timestamp with time zone, beats boolean, details jsonb)",
        "s",
    ),
    "measure_runs": (
        "flow_slug text, recent interval = '01:00:00', part_count integer = 60, max_runs integer = 20000",
        "table(part_at timestamp with time zone, part_seconds double precision, run_count bigint, "
        "completed_count bigint, failed_count bigint, duration_p50_seconds double precision, "
        "duration_p95_seconds double precision, cancelled_count bigint)",
        "s",
    ),
    "prune_batch": ("retention_interval interval, max_runs integer", "integer"),
}


def normal(text: str) -> str:
    """PostgreSQL's spelling of parameters and results in the one used above."""
    text = (
        re.sub(r"::(timestamp with time zone|[a-z]+)(\[\])?", "", text)
        .replace(" DEFAULT ", " = ")
        .replace("pgflow.", "")
    )
    return text.replace("NULL", "null").replace("SETOF", "setof").replace("TABLE", "table")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signature(core: Core, name: str) -> None:
    wanted = FUNCTIONS[name]
    row = core.row(
        """select pg_get_function_arguments(oid) as parameters, pg_get_function_result(oid) as result,
             provolatile::text as volatility
           from pg_proc where pronamespace = 'pgflow'::regnamespace and proname = %s""",
        name,
    )
    assert (normal(row.parameters), normal(row.result)) == wanted[:2]
    if len(wanted) == 3:
        assert row.volatility == wanted[2]


def test_every_public_function_is_listed_once(core: Core) -> None:
    """A new function, one that went and one with several signatures are noticed here."""
    found = core.rows(
        """select proname as name from pg_proc
           where pronamespace = 'pgflow'::regnamespace and left(proname, 1) <> '_'
           order by proname collate "C" """
    )
    assert [row.name for row in found] == sorted(name for name in FUNCTIONS if not name.startswith("_"))
    assert [row.name for row in found] == sorted(
        entry.name for entry in surface() if entry.kind == "function"
    )


def test_rows_of_a_worker(core: Core) -> None:
    found = core.rows(
        """select attname, format_type(atttypid, atttypmod) as type from pg_attribute
           where attrelid = 'pgflow.task_result'::regclass and attnum > 0 order by attnum"""
    )
    assert ", ".join(f"{row.attname} {row.type}" for row in found) == (
        "outcome text, flow_slug text, run_id uuid, step_slug text, task_index integer, attempt integer, "
        "worker_id uuid, msg_id bigint, input jsonb, flow_input jsonb, timeout integer, "
        "started_at timestamp with time zone, trace_context jsonb, delay integer, max_attempts integer, "
        "state jsonb, round integer"
    )
