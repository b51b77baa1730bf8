-- for: worker
-- What the tasks of these maps (pairs) get beside their elements, once for all of them: the outputs of the other steps
-- that a map depends on, by slug, without those that were skipped. Pairs that are none are left out.
create function pgflow.get_step_inputs(run_ids uuid[], step_slugs text[])
returns table (run_id uuid, step_slug text, input jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select s.run_id, s.step_slug, (
    select coalesce(jsonb_object_agg(d.dep_slug, coalesce(ds.output, 'null')), '{}')
    from pgflow.deps d
    join pgflow.step_states ds on ds.run_id = s.run_id and ds.step_slug = d.dep_slug
    where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and not d.is_array and ds.status = 'completed'
  )
  from unnest(get_step_inputs.run_ids, get_step_inputs.step_slugs) with ordinality p(run_id, step_slug, position)
  cross join lateral (
    select l.flow_slug, l.run_id, l.step_slug
    from pgflow.step_states l
    where l.run_id = p.run_id and l.step_slug = p.step_slug
    limit 1
  ) s
  order by p.position;
end;
$$;
