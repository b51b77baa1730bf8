-- Ends the announcement of watch_runs.
create function pgflow.unwatch_runs(watcher_id uuid, run_ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_memoize = off
set enable_seqscan = off
set jit = off
as $$
begin
  delete from pgflow.announcements a
  using unnest(unwatch_runs.run_ids) r(run_id)
  where a.channel = 'pgflow_run_' || replace(r.run_id::text, '-', '')
    and a.announcer_id = unwatch_runs.watcher_id;
end;
$$;
