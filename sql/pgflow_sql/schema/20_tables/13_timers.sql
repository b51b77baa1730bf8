-- What has to happen at a time, to runs: their time-outs, and tasks that wait for longer than a hidden message
-- should; and the fires of schedules. fire_timers does it. Written and removed by whoever holds the run, or the schedule; no foreign keys, as outside tools
-- delete runs.
create table pgflow.timers (
  timer_id bigint generated always as identity,
  due_at timestamptz not null,
  kind text not null,
  flow_slug text not null,
  run_id uuid,                 -- null: a schedule's
  step_slug text,
  task_index int,
  payload jsonb,               -- what the kind needs to know
  failures int not null default 0,
  error_message text,          -- of the last failure
  tried_at timestamptz,        -- when its run was held by somebody else
  constraint timers_pkey primary key (timer_id),
  constraint timers_kind_check check (
    kind in ('run_timeout', 'wait', 'sleep', 'deadline', 'begin', 'schedule', 'cancel_children', 'retry_children', 'companions')
  ),
  constraint timers_are_of_runs check ((run_id is null) = (kind = 'schedule'))
);
create index timers_due_idx on pgflow.timers (due_at, timer_id);
create index timers_run_idx on pgflow.timers (run_id, step_slug, task_index);
