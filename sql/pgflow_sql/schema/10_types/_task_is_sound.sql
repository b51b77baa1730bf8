-- What every row of step_tasks keeps to; in a function as with _run_is_sound.
create function pgflow._task_is_sound(
  status text,
  attempts_count int,
  requeued_count int,
  has_output boolean,
  queued_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  cancelled_at timestamptz,
  waits_for text
)
returns boolean
language plpgsql
immutable
as $$
begin
  return _task_is_sound.status in ('queued', 'started', 'completed', 'failed', 'cancelled')
    and _task_is_sound.attempts_count >= 0
    and _task_is_sound.requeued_count >= 0
    and (not _task_is_sound.has_output or _task_is_sound.status in ('completed', 'failed'))
    and num_nonnulls(_task_is_sound.completed_at, _task_is_sound.failed_at, _task_is_sound.cancelled_at) <= 1
    and (_task_is_sound.started_at >= _task_is_sound.queued_at) is not false
    and (_task_is_sound.completed_at >= _task_is_sound.queued_at) is not false
    and (_task_is_sound.completed_at >= _task_is_sound.started_at) is not false
    and (_task_is_sound.failed_at >= _task_is_sound.queued_at) is not false
    and (_task_is_sound.failed_at >= _task_is_sound.started_at) is not false
    and (_task_is_sound.waits_for in ('child', 'round', 'time', 'lane', 'hold')) is not false
    and (_task_is_sound.cancelled_at is null) = (_task_is_sound.status <> 'cancelled');
end;
$$;
