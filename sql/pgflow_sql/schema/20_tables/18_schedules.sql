-- Runs that start by the clock. A schedule belongs to all versions of its flow: flow_slug is the one that it starts. Its
-- timer is due at next_fire, or later where a fire waits or has failed. Whoever changes one of its timers holds its row.
create table pgflow.schedules (
  family text not null,       -- see _family
  schedule_slug text not null,
  flow_slug text not null,
  spec jsonb not null,        -- see create_schedule
  input jsonb not null,
  is_paused boolean not null default false,
  next_fire timestamptz,      -- the first that nobody has seen to; null while it is paused
  last_fire timestamptz,
  last_run_id uuid,           -- that was started; it may have been pruned
  last_outcome text,          -- of the last fire: started | skipped | missed | queued
  created_at timestamptz not null default now(),
  constraint schedules_pkey primary key (family, schedule_slug),
  constraint schedules_schedule_slug_check check (pgflow.is_valid_slug(schedule_slug))
);
