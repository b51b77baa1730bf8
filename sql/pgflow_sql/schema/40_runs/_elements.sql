-- The elements that the tasks of these steps of one flow go over, in the order of the steps and of their tasks;
-- null for tasks of single steps, and of maps whose number of tasks was set by hand.
create function pgflow._elements(flow_slug text, run_ids uuid[], step_slugs text[], task_counts int[])
returns jsonb[]
language plpgsql
as $$
declare
  v_slugs text[];        -- of the flow's steps, as the next
  v_array_slugs text[];
begin
  select p.step_slugs, p.array_slugs into v_slugs, v_array_slugs
  from pgflow.prepared_flows p
  where p.flow_slug = _elements.flow_slug;

  return array(
    select e.element
    from unnest(_elements.run_ids, _elements.step_slugs, _elements.task_counts)
      with ordinality p(run_id, step_slug, task_count, position)
    cross join lateral (
      select case
        when g.array_slug = '' then (select r.input from pgflow.runs r where r.run_id = p.run_id)
        when g.array_slug is not null then (
          select s.output from pgflow.step_states s where s.run_id = p.run_id and s.step_slug = g.array_slug
        )
      end as items
      from (select v_array_slugs[array_position(v_slugs, p.step_slug)] as array_slug) g
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
