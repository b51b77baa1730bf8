create table pgflow.workers (
  worker_id uuid not null,
  queue_name text not null,
  function_name text not null,
  started_at timestamptz not null default now(),
  deprecated_at timestamptz,
  stopped_at timestamptz,
  last_heartbeat_at timestamptz not null default now(),
  constraint workers_pkey primary key (worker_id)
) with (fillfactor = 50);
create index workers_queue_name_idx on pgflow.workers (queue_name);
