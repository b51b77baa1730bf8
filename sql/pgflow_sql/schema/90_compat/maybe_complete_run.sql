-- for: pgflow
-- Completes a run whose steps have all ended. The core does this by itself; it is here for the contract.
create function pgflow.maybe_complete_run(run_id uuid)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow.runs r where r.run_id = maybe_complete_run.run_id for no key update;
  perform pgflow._finish_runs(array[r.run_id], false, true)
  from pgflow.runs r
  where r.run_id = maybe_complete_run.run_id and r.begins_at is null;
  perform pgflow._notify(null, array[maybe_complete_run.run_id]);
end;
$$;
