-- No foreign keys: see runs.
create table pgflow.step_tasks (
  flow_slug text not null,
  run_id uuid not null,
  step_slug text not null,
  message_id bigint,  -- unique within its queue only
  task_index int not null default 0,
  status text not null default 'queued',
  attempts_count int not null default 0,
  error_message text,
  output jsonb,
  queued_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  last_worker_id uuid,
  requeued_count int not null default 0,
  last_requeued_at timestamptz,
  permanently_stalled_at timestamptz,
  killed_workers uuid[],  -- whose deaths count against the task: they died, or did not report in time, while it ran
  element jsonb,  -- of the array a map goes over; null: not stored, read it from the array
  attempt_errors jsonb,  -- see _with_attempt; null: none
  again_count int,       -- attempts that ended by asking to run again (RetryAfter, Again); null: none
  cancelled_at timestamptz,
  waits_for text,        -- of a queued one without a message: what for; a timer or a release sends it a new one
  forgiven_count int not null default 0,  -- attempts before the run was retried or this round began, which count no more
  round int,             -- of a loop that has asked to run again: which one is next, or under way; null: the first
  state jsonb,           -- what that round receives of the one before
  is_tolerated boolean,  -- of a completed one: its failure took the place of its output; null: no
  constraint step_tasks_pkey primary key (run_id, step_slug, task_index),
  constraint step_tasks_check check (pgflow._task_is_sound(
    status, attempts_count, requeued_count, output is not null,
    queued_at, started_at, completed_at, failed_at, cancelled_at, waits_for
  ))
) with (fillfactor = 45);
-- Its predicate changes only when a task stalls for good, so HOT updates are not at stake.
create index step_tasks_permanently_stalled_idx on pgflow.step_tasks (run_id, step_slug, task_index)
  where permanently_stalled_at is not null;
