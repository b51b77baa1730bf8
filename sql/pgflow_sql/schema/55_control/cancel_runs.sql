-- for: client, operator
-- Cancels runs for good, with their open steps and tasks; results that come later are stale. One row a run, in the
-- order of the ids: 'cancelled', 'already_completed', 'already_failed', 'already_cancelled' (nothing was changed) or
-- 'no_such_run'. actor: who the caller says it is, for the trail. At most 1,000 runs a call, else PF011.
create function pgflow.cancel_runs(run_ids uuid[], reason text default null, actor text default null)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.*
  from pgflow._cancel_asked(cancel_runs.run_ids, cancel_runs.reason, cancel_runs.actor, null) a;
end;
$$;
