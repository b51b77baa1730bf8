-- What every row of runs keeps to. In a function, because PostgreSQL reads the text of a check anew for each
-- statement that writes to the table: with one check for each of these rules, that took a fifth of a start.
create function pgflow._run_is_sound(
  status text, remaining_steps int, started_at timestamptz, completed_at timestamptz, failed_at timestamptz,
  cancelled_at timestamptz
)
returns boolean
language plpgsql
immutable
as $$
begin
  return _run_is_sound.status in ('started', 'failed', 'completed', 'cancelled')
    and _run_is_sound.remaining_steps >= 0
    and num_nonnulls(_run_is_sound.completed_at, _run_is_sound.failed_at, _run_is_sound.cancelled_at) <= 1
    and (_run_is_sound.completed_at >= _run_is_sound.started_at) is not false
    and (_run_is_sound.failed_at >= _run_is_sound.started_at) is not false
    and (_run_is_sound.cancelled_at is null) = (_run_is_sound.status <> 'cancelled');
end;
$$;
