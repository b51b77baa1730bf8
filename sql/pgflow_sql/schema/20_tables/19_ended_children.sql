-- Children that have ended and whose parents have not heard of it: written with a child's end, by whoever holds the
-- child; read and removed by who holds the parent (fire_timers), so that nobody holds both. No foreign keys, as with
-- timers.
create table pgflow.ended_children (
  ended_id bigint generated always as identity,
  due_at timestamptz not null default clock_timestamp(),
  run_id uuid not null,  -- the parent
  step_slug text not null,
  task_index int not null,
  attempt int not null,  -- that started the child: an earlier one counts no more
  child_run_id uuid not null,
  failures int not null default 0,
  error_message text,    -- of the last failure to hand it over
  tried_at timestamptz,  -- when the parent, or a child that may be retried just now, was held by somebody else
  constraint ended_children_pkey primary key (ended_id)
);
create index ended_children_due_idx on pgflow.ended_children (due_at, ended_id);
create index ended_children_run_idx on pgflow.ended_children (run_id);
create index ended_children_child_idx on pgflow.ended_children (child_run_id);
