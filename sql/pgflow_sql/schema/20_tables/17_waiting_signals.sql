-- Signal steps that are started: runs that wait for somebody. A row goes when its step has ended; no foreign keys, as
-- with timers.
create table pgflow.waiting_signals (
  run_id uuid not null,
  step_slug text not null,
  flow_slug text not null,
  key text,
  since timestamptz not null default now(),
  deadline_at timestamptz,
  constraint waiting_signals_pkey primary key (run_id, step_slug)
);
create index waiting_signals_by_time_idx on pgflow.waiting_signals (since, run_id, step_slug);
create index waiting_signals_by_flow_idx on pgflow.waiting_signals (flow_slug, step_slug, since, run_id);
