-- Room in each page (fillfactor) and no index on what changes keep updates HOT. This table and the next two have no
-- foreign keys, which would be half of what a start costs: their rows are written by functions alone, which hold the
-- flow or the run they write for, and _refuse_orphans guards the other side.
create table pgflow.runs (
  run_id uuid not null default pgflow.new_run_id(),
  flow_slug text not null,
  status text not null default 'started',
  input jsonb not null,
  output jsonb,
  remaining_steps int not null default 0,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  failed_at timestamptz,
  error_message text,   -- why it failed, for late readers
  trace_context jsonb,  -- where the caller's trace goes on
  cancelled_at timestamptz,
  cancel_reason text,   -- as given by who cancelled it
  held_at timestamptz,  -- it was held, and has not been released; counts while it is started
  begins_at timestamptz,  -- it has not begun: its root steps wait for this time; null: it has
  has_origin boolean,   -- whether origins has a row of it; null: no
  end_count int,        -- of a flow with companions: how often it has ended, as it may go on by a retry
  constraint runs_pkey primary key (run_id),
  constraint runs_check check (pgflow._run_is_sound(
    status, remaining_steps, started_at, completed_at, failed_at, cancelled_at
  ))
) with (fillfactor = 45);
-- For who looks at a flow's latest runs; none of its columns ever changes, but once for a run that begins later.
create index runs_by_start_idx on pgflow.runs (flow_slug, started_at);
