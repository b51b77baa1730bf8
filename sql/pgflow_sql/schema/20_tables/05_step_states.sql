-- No foreign keys: see runs.
create table pgflow.step_states (
  flow_slug text not null,
  run_id uuid not null,
  step_slug text not null,
  status text not null default 'created',
  remaining_tasks int,
  initial_tasks int,
  remaining_deps int not null default 0,
  output jsonb,
  error_message text,
  skip_reason text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  skipped_at timestamptz,
  cancelled_at timestamptz,
  reused boolean not null default false,  -- taken over from the run this one was forked from: it has no tasks here
  constraint step_states_pkey primary key (run_id, step_slug),
  constraint step_states_check check (pgflow._state_is_sound(
    status, remaining_tasks, initial_tasks, remaining_deps, skip_reason,
    created_at, started_at, completed_at, failed_at, skipped_at, cancelled_at
  )),
  constraint initial_tasks_known_when_started check (status <> 'started' or initial_tasks is not null),
  constraint output_only_for_completed_or_null check (output is null or status = 'completed')
) with (fillfactor = 45);
