-- for: pgflow
-- Resolves the conditions of all ready steps of one run; false: that failed the run. Internally the same is
-- done with the steps that have just become ready only.
create function pgflow.cascade_resolve_conditions(run_id uuid)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform 1 from pgflow.runs r where r.run_id = cascade_resolve_conditions.run_id for no key update;

  perform pgflow._resolve_conditions(ready.run_ids, ready.step_slugs)
  from (
    select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    where r.begins_at is null and s.run_id = cascade_resolve_conditions.run_id and s.status = 'created' and s.remaining_deps = 0
  ) ready;
  perform pgflow._notify(null, array[cascade_resolve_conditions.run_id]);
  return not exists (
    select 1 from pgflow.runs r where r.run_id = cascade_resolve_conditions.run_id and r.status = 'failed'
  );
end;
$$;
