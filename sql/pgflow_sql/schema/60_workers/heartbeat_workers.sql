-- for: worker
-- Returns a row per worker that is still known, with when it was deprecated: such a worker takes no more tasks. One
-- that is missing has to register again. Waits for nobody: what somebody has locked is left to the next beat.
create function pgflow.heartbeat_workers(worker_ids uuid[])
returns table (worker_id uuid, deprecated_at timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = any(array(
    select l.worker_id
    from pgflow.workers l
    where l.worker_id = any(heartbeat_workers.worker_ids) and l.died_at is null
    order by l.worker_id
    for no key update skip locked
  ));

  return query
  select w.worker_id, w.deprecated_at
  from pgflow.workers w
  where w.worker_id = any(heartbeat_workers.worker_ids) and w.died_at is null;
end;
$$;
