-- The trail: what was asked of the functions that control runs and flows, one row a call. It keeps no payloads, and of
-- many runs the first twenty. No foreign keys: it must not stand in the way of deleting anything.
create table pgflow.actions (
  action_id bigint generated always as identity,
  at timestamptz not null default now(),
  actor text,  -- who the caller says it is
  session_role text not null default session_user,
  action text not null,
  flow_slug text,  -- null: of several flows, or of none that is there
  run_ids uuid[] not null default '{}',
  run_count int not null default 0,
  arguments jsonb not null default '{}',
  outcome jsonb not null default '{}',  -- how many of each outcome
  constraint actions_pkey primary key (action_id)
);
create index actions_by_flow_idx on pgflow.actions (flow_slug, action_id);
create index actions_by_run_idx on pgflow.actions using gin (run_ids);
create index actions_by_time_idx on pgflow.actions (at);
