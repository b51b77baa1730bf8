create table pgflow.workers (
  worker_id uuid not null,
  queue_name text not null,
  function_name text not null,
  started_at timestamptz not null default now(),
  deprecated_at timestamptz,
  stopped_at timestamptz,
  last_heartbeat_at timestamptz not null default now(),
  constraint workers_pkey primary key (worker_id),
  constraint queue_name_is_short check (length(queue_name) <= 1000)
) with (fillfactor = 50);
create index workers_queue_name_idx on pgflow.workers (queue_name);
