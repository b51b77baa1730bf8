-- for: worker
-- Returns a row per worker that is still known, with when it was deprecated: such a worker takes no more tasks.
create function pgflow.heartbeat_workers(worker_ids uuid[])
returns table (worker_id uuid, deprecated_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1
  from pgflow.workers w
  where w.worker_id = any(heartbeat_workers.worker_ids)
  order by w.worker_id
  for no key update;

  return query
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = any(heartbeat_workers.worker_ids)
  returning w.worker_id, w.deprecated_at;
end;
$$;
