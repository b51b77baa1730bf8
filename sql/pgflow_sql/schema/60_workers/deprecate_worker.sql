-- for: migrate
-- Asks a worker to take no more tasks, finish what it has and end. The first request counts.
create function pgflow.deprecate_worker(worker_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update pgflow.workers w
  set deprecated_at = coalesce(w.deprecated_at, clock_timestamp())
  where w.worker_id = deprecate_worker.worker_id;
end;
$$;
