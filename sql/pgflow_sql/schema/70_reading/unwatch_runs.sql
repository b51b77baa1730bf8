-- for: client
-- Ends the announcement of watch_runs.
create function pgflow.unwatch_runs(watcher_id uuid, run_ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from pgflow.announcements a
  using unnest(unwatch_runs.run_ids) r(run_id)
  where a.channel = 'pgflow_run_' || replace(r.run_id::text, '-', '')
    and a.announcer_id = unwatch_runs.watcher_id;
end;
$$;
