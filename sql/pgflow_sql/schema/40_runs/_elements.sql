-- The elements that the tasks of these steps of one flow go over, in the order of the steps and of their tasks;
-- null for tasks of single steps, and of maps whose number of tasks was set by hand.
create function pgflow._elements(flow_slug text, run_ids uuid[], step_slugs text[], task_counts int[])
returns jsonb[]
language plpgsql
as $$
begin
  return array(
    select e.element
    from unnest(_elements.run_ids, _elements.step_slugs, _elements.task_counts)
      with ordinality p(run_id, step_slug, task_count, position)
    cross join lateral (
      select case
        when st.step_type <> 'map' then null
        when st.deps_count = 0 then (select r.input from pgflow.runs r where r.run_id = p.run_id)
        else (
          select ds.output
          from pgflow.deps d
          join pgflow.step_states ds on ds.run_id = p.run_id and ds.step_slug = d.dep_slug
          where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
        )
      end as items
      from pgflow.steps st
      where st.flow_slug = _elements.flow_slug and st.step_slug = p.step_slug
      offset 0
    ) a
    cross join lateral (
      select case
        when jsonb_typeof(a.items) = 'array' and jsonb_array_length(a.items) = p.task_count then a.items
      end as items
    ) b
    cross join lateral (
      select i.element, i.position as task_index
      from jsonb_array_elements(b.items) with ordinality i(element, position)
      union all
      select null, g.task_index
      from generate_series(1, p.task_count) g(task_index)
      where b.items is null
    ) e
    order by p.position, e.task_index
  );
end;
$$;
