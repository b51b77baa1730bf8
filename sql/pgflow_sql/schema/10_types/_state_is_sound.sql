-- What every row of step_states keeps to; in a function as with _run_is_sound. Two more rules stand as checks of
-- their own in the table, because their names are part of the contract.
create function pgflow._state_is_sound(
  status text,
  remaining_tasks int,
  initial_tasks int,
  remaining_deps int,
  skip_reason text,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  skipped_at timestamptz,
  cancelled_at timestamptz
)
returns boolean
language plpgsql
immutable
as $$
begin
  return _state_is_sound.status in ('created', 'started', 'completed', 'failed', 'skipped', 'cancelled')
    and (_state_is_sound.status not in ('created', 'skipped') or _state_is_sound.remaining_tasks is null)
    and (_state_is_sound.status <> 'completed' or _state_is_sound.remaining_tasks = 0) is not false
    and (_state_is_sound.initial_tasks >= 0) is not false
    and _state_is_sound.remaining_deps >= 0
    and (_state_is_sound.status = 'skipped') = (_state_is_sound.skip_reason is not null)
    and num_nonnulls(
      _state_is_sound.completed_at, _state_is_sound.failed_at, _state_is_sound.skipped_at, _state_is_sound.cancelled_at
    ) <= 1
    and (_state_is_sound.started_at >= _state_is_sound.created_at) is not false
    and (_state_is_sound.completed_at >= _state_is_sound.started_at) is not false
    and (_state_is_sound.failed_at >= _state_is_sound.started_at) is not false
    and (_state_is_sound.skipped_at >= _state_is_sound.created_at) is not false
    and (_state_is_sound.cancelled_at is null) = (_state_is_sound.status <> 'cancelled');
end;
$$;
