-- for: worker, pgflow
-- A worker's last word: its tasks may be given to others at once.
create function pgflow.mark_worker_stopped(worker_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update pgflow.workers w
  set stopped_at = clock_timestamp()
  where w.worker_id = mark_worker_stopped.worker_id;
end;
$$;
