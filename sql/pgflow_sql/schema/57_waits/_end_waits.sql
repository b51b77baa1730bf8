-- Completes started steps without a handler (pairs, of started runs) with these outputs, and lets their runs go on.
-- Callers hold the runs.
create function pgflow._end_waits(run_ids uuid[], step_slugs text[], outputs jsonb[])
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[] := pgflow._flows_of(run_ids);
begin
  perform pgflow._complete_waits(_end_waits.run_ids, _end_waits.step_slugs, _end_waits.outputs);
  perform pgflow._advance(
    v_flow_slugs, _end_waits.run_ids, _end_waits.step_slugs, null, 0, true,
    exists (
      select 1 from pgflow.prepared_flows p where p.flow_slug = any(v_flow_slugs) and p.has_large_values
    ),
    true, true
  );
  perform pgflow._keep_held(_end_waits.run_ids);
  perform pgflow._notify(null, _end_waits.run_ids);
end;
$$;
