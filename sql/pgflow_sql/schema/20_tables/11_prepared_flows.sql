-- What moving runs on needs to know of a flow, in one row: read by key once a call, instead of all its steps.
-- Derived from flows and steps, and kept in step by triggers on them (_prepare_flows). Element i of each array is
-- about the same step, in the order of step_index.
create table pgflow.prepared_flows (
  flow_slug text not null,
  is_paused boolean not null default false,  -- not derived: see pause_flow
  flow_timeout int not null,    -- seconds
  step_slugs text[] not null,
  deps_counts int[] not null,
  maps boolean[] not null,
  start_delays int[] not null,  -- seconds
  timeouts int[] not null,      -- seconds; the flow's where the step has none, as with max_attempts
  vt_offsets int[] not null,    -- seconds a started task's message is hidden
  max_attempts int[] not null,
  root_slugs text[] not null,   -- sorted by slug
  array_slugs text[],           -- what the maps go over: '' is the run's input; null: there are no maps
  has_root_maps boolean not null,  -- one of them goes over the run's input
  has_maps boolean not null,
  has_conditions boolean not null,  -- or steps without a handler: what has to be settled before it starts
  has_delays boolean not null,
  kinds text[] not null,
  has_kinds boolean not null,   -- any but 'task'
  has_ends boolean not null default false,  -- flows that start when its runs have ended
  companion_of text,            -- it is such a flow itself: whose
  run_timeout int,              -- seconds
  longer_timeouts int[],        -- what timeouts were before they were shortened
  shortened_at timestamptz,     -- when that was: tasks that had started by then keep what they started with
  has_large_values boolean not null default false,  -- ever; not derived: see _note_large_values
  constraint prepared_flows_pkey primary key (flow_slug),
  constraint prepared_flows_flow_slug_fkey foreign key (flow_slug) references pgflow.flows (flow_slug)
    on delete cascade
);
