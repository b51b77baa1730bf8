-- for: operator
-- Holds started runs: what workers are at goes on and counts, nothing else of them is begun until they are released;
-- their time-outs go on. One row a run, in the order of the ids: 'held', 'already_held', 'already_completed',
-- 'already_failed', 'already_cancelled' (nothing was changed) or 'no_such_run'. At most 1,000 runs a call, else PF011.
create function pgflow.hold_runs(run_ids uuid[], actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select a.* from pgflow._hold_asked(hold_runs.run_ids, hold_runs.actor, null) a;
end;
$$;
