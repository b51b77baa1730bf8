-- Where a run comes from that nobody started by itself: the run it was forked from, or whatever else made it. Runs
-- with a row here have has_origin, so that all others pay no look-up. No foreign keys, as with actions.
create table pgflow.origins (
  run_id uuid not null,
  kind text not null,
  from_run_id uuid,  -- it may have been pruned
  step_slug text,
  task_index int,
  attempt int,
  family text,  -- of the flow, with schedule_slug the schedule's key
  schedule_slug text,
  fire_at timestamptz,
  depth int not null default 0,
  constraint origins_pkey primary key (run_id),
  constraint origins_kind_check check (kind in ('child', 'fork', 'end', 'undo', 'schedule'))
);
-- An attempt at a task starts one child, whatever happens to who reports it; also how the children of a run are found.
create unique index origins_of_children_idx on pgflow.origins (from_run_id, step_slug, task_index, attempt)
  where kind = 'child';
-- An end of a run starts each of its companions once (attempt: which end; step_slug: the companion's flow); also how they are found.
create unique index origins_of_companions_idx on pgflow.origins (from_run_id, attempt, kind, step_slug)
  where kind in ('end', 'undo');
-- No fire of a schedule starts two runs, whatever happens to who sees to it.
create unique index origins_of_schedules_idx on pgflow.origins (family, schedule_slug, fire_at) where kind = 'schedule';
