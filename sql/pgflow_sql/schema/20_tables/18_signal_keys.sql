-- Under which key a signal step of a started run is found, from the run's start on: what is sent between the start and
-- the wait is not lost. Keys are users' data, of any length. A row goes when its run has ended; no foreign keys, as with
-- timers.
create table pgflow.signal_keys (
  run_id uuid not null,
  step_slug text not null,
  family text not null,  -- of the flow's versions
  key text not null,
  constraint signal_keys_pkey primary key (run_id, step_slug)
);
create index signal_keys_by_key_idx on pgflow.signal_keys (left(key, 200), step_slug, family);
