-- Everything a worker gets back, whichever set-based function it called.
create type pgflow.task_result as (
  outcome text,            -- claimed | stale | retried | failed | skipped | tolerated | completed
  flow_slug text,
  run_id uuid,
  step_slug text,
  task_index int,
  attempt int,
  worker_id uuid,
  msg_id bigint,
  input jsonb,             -- of a stale one: why, as pgflow._why_refused words it
  flow_input jsonb,
  timeout int,             -- seconds; the step's, else the flow's
  started_at timestamptz,
  trace_context jsonb,
  delay int,               -- seconds until the retry
  max_attempts int,        -- the step's, else the flow's; of one that failed with those added that a retry of the run has forgiven
  state jsonb,             -- of a loop: what the round before has left
  round int                -- of a loop: which one this is; null: the first
);
