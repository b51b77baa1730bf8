-- What was sent to signal steps of runs that still need it, or may be sent again: payloads kept until their step
-- is ready, and what was taken under a mark against repetition (dedupe). They go with the run; no foreign keys, as with
-- timers.
create table pgflow.signals (
  signal_id bigint generated always as identity,
  run_id uuid not null,
  step_slug text not null,
  payload jsonb,  -- null: it was taken, and is the step's output
  dedupe text,
  sent_at timestamptz not null default now(),
  taken_at timestamptz,
  constraint signals_pkey primary key (signal_id),
  constraint signals_run_id_step_slug_dedupe_key unique (run_id, step_slug, dedupe),
  constraint dedupe_is_short check (length(dedupe) <= 200)
);
