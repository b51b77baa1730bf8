-- One row a worker process and flow. Only workers that beat are judged by their signs of life; any other (whose
-- program inserts its row by itself) may be silent for as long as a task takes, and its tasks' time-outs judge it.
create table pgflow.workers (
  worker_id uuid not null,
  queue_name text not null,
  function_name text not null,
  started_at timestamptz not null default now(),
  deprecated_at timestamptz,
  stopped_at timestamptz,
  last_heartbeat_at timestamptz not null default now(),
  beats boolean not null default false,
  died_at timestamptz,       -- recovery judged it dead: it gets nothing until it has registered again
  recovered_at timestamptz,  -- it ended, and none of its tasks is left with it
  details jsonb not null default '{}',  -- what it says of itself, for people to read: host, pid, slots
  constraint workers_pkey primary key (worker_id),
  constraint queue_name_is_short check (length(queue_name) <= 1000)
) with (fillfactor = 50);
create index workers_queue_name_idx on pgflow.workers (queue_name);
-- Those that recovery looks at: the living and the recently dead, however many rows of old ones there are.
create index workers_unrecovered_idx on pgflow.workers (queue_name) where beats and recovered_at is null;
