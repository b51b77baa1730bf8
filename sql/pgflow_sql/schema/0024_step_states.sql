-- No foreign key to flows: the one to steps covers it.
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
  constraint step_states_pkey primary key (run_id, step_slug),
  constraint step_states_run_id_fkey foreign key (run_id) references pgflow.runs (run_id),
  constraint step_states_flow_slug_step_slug_fkey foreign key (flow_slug, step_slug)
    references pgflow.steps (flow_slug, step_slug),
  constraint step_states_status_check
    check (status in ('created', 'started', 'completed', 'failed', 'skipped')),
  constraint step_states_remaining_tasks_check
    check ((status not in ('created', 'skipped') or remaining_tasks is null)
      and (status <> 'completed' or remaining_tasks = 0)),
  constraint step_states_initial_tasks_check check (initial_tasks >= 0),
  constraint initial_tasks_known_when_started check (status <> 'started' or initial_tasks is not null),
  constraint step_states_remaining_deps_check check (remaining_deps >= 0),
  constraint output_only_for_completed_or_null check (output is null or status = 'completed'),
  constraint skip_reason_matches_status check ((status = 'skipped') = (skip_reason is not null)),
  constraint step_states_one_end_check check (num_nonnulls(completed_at, failed_at, skipped_at) <= 1),
  constraint step_states_started_at_check check (started_at >= created_at),
  constraint step_states_completed_at_check check (completed_at >= started_at),
  constraint step_states_failed_at_check check (failed_at >= started_at),
  constraint step_states_skipped_at_check check (skipped_at >= created_at)
) with (fillfactor = 45);
