-- Of runs whose steps (pairs, with their flows) have just ended: those in which a dependent has a condition to
-- judge, has no handler, or turns out to have no tasks.
create function pgflow._runs_to_settle(flow_slugs text[], run_ids uuid[], step_slugs text[])
returns uuid[]
language plpgsql
as $$
begin
  return array(
    select distinct d.run_id
    from unnest(_runs_to_settle.flow_slugs, _runs_to_settle.run_ids, _runs_to_settle.step_slugs)
      d(flow_slug, run_id, step_slug)
    cross join lateral (
      select e.step_slug, e.is_array
      from pgflow.deps e
      where e.flow_slug = d.flow_slug and e.dep_slug = d.step_slug
      offset 0
    ) dep
    cross join lateral (
      select st.step_type, st.kind, pgflow._has_condition(st) as has_condition
      from pgflow.steps st
      where st.flow_slug = d.flow_slug and st.step_slug = dep.step_slug
      limit 1
    ) child
    where child.has_condition
      or child.kind in ('signal', 'sleep')
      or child.step_type = 'map' and case
        when dep.is_array then (
          select p.status = 'skipped' or p.output = '[]'
          from pgflow.step_states p
          where p.run_id = d.run_id and p.step_slug = d.step_slug
        )
        else (
          select c.initial_tasks = 0
          from pgflow.step_states c
          where c.run_id = d.run_id and c.step_slug = dep.step_slug
        )
      end
  );
end;
$$;
