-- for: client, pgflow
-- Starts a run and returns it. With a run_id that is there already, of the same flow and input, returns that run;
-- else raises PF002. Raises PF001 for an unknown flow.
create function pgflow.start_flow(flow_slug text, input jsonb, run_id uuid default null)
returns setof pgflow.runs
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run_ids uuid[];
begin
  v_run_ids := pgflow._start_flows(
    start_flow.flow_slug, array[start_flow.input], array[start_flow.run_id], null
  );
  return query select r.* from pgflow.runs r where r.run_id = v_run_ids[1];
end;
$$;
