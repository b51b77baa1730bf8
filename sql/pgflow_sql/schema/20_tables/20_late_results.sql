-- Attempts at steps that can be undone, under way when their run, their step or its deadline ended, and what they reported
-- afterwards: rows of the run itself never change. Its undo waits until each has reported, or until it can report no more.
-- What was done stays here when its run is retried: its next undo may have to see to it. No foreign keys, as with timers.
create table pgflow.late_results (
  run_id uuid not null,
  step_slug text not null,
  task_index int not null,
  attempt int not null,
  worker_id uuid,
  patience_ends_at timestamptz not null,  -- nobody waits for it longer
  reported_at timestamptz,
  is_completed boolean not null default false,
  output jsonb,
  constraint late_results_pkey primary key (run_id, step_slug, task_index, attempt)
);
