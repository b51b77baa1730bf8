-- for: operator
-- Lets held runs go on: what waited for that is sent anew, each run's after a random part of spread seconds, against
-- a storm. One row a run, in the order of the ids: 'released', 'not_held' (nothing was changed) or 'no_such_run'. At
-- most 1,000 runs a call, else PF011.
create function pgflow.release_runs(run_ids uuid[], spread double precision default 0, actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.*
  from pgflow._release_asked(release_runs.run_ids, release_runs.spread, release_runs.actor, null) a;
end;
$$;
