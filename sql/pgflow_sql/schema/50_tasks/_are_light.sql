-- Whether the inputs of these started tasks (keys with their flows) may be put together at once though their flows have
-- carried large values: what is stored of all of them takes at most 256 kB, so that no compression makes more than 64 MB
-- of it. Looks at stored sizes alone: nothing is read that lies elsewhere. See _task_results for what an input holds.
create function pgflow._are_light(
  flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[], flow_input_steps text[]
)
returns boolean
language plpgsql
as $$
declare
  v_flow_slug text;
  v_slugs text[];      -- of the flow's steps, as all that follow
  v_deps_counts int[];
  v_maps boolean[];
  v_array_slugs text[];
  v_bytes bigint;
  v_left bigint := 262144;
begin
  foreach v_flow_slug in array pgflow._distinct(_are_light.flow_slugs) loop
    select p.step_slugs, p.deps_counts, p.maps, p.array_slugs
    into v_slugs, v_deps_counts, v_maps, v_array_slugs
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;

    select sum(
      t.bytes
      + case
        when v_maps[s.place] then coalesce(
          t.element_bytes,
          (
            select pg_column_size(ds.output)
            from pgflow.step_states ds
            where ds.run_id = k.run_id and ds.step_slug = v_array_slugs[s.place]
          ),
          0
        )
        when v_deps_counts[s.place] = 0 then 0
        else (
          select coalesce(sum(ds.bytes), 0)
          from pgflow.deps d
          cross join lateral (
            select pg_column_size(l.output) as bytes
            from pgflow.step_states l
            where l.run_id = k.run_id and l.step_slug = d.dep_slug
            limit 1
          ) ds
          where d.flow_slug = k.flow_slug and d.step_slug = k.step_slug
        )
      end
      + case
        when v_deps_counts[s.place] = 0 and (not v_maps[s.place] or t.element_bytes is null)
          or v_flow_slug || '.' || k.step_slug = any(_are_light.flow_input_steps)
        then (select pg_column_size(r.input) from pgflow.runs r where r.run_id = k.run_id)
        else 0
      end
    )
    into v_bytes
    from unnest(
      _are_light.flow_slugs, _are_light.run_ids, _are_light.step_slugs, _are_light.task_indexes
    ) k(flow_slug, run_id, step_slug, task_index)
    cross join lateral (
      select coalesce(pg_column_size(l.state), 0) as bytes, pg_column_size(l.element) as element_bytes
      from pgflow.step_tasks l
      where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
      limit 1
    ) t
    cross join lateral (select array_position(v_slugs, k.step_slug) as place) s
    where k.flow_slug = v_flow_slug;

    v_left := v_left - v_bytes;
    if v_left < 0 then
      return false;
    end if;
  end loop;
  return true;
end;
$$;
