-- What a worker needs to run these started tasks (keys with their flows), flow by flow, in the order given. Outputs of
-- dependencies are read from their step states by primary key, elements of maps from the task's own row.
-- flow_input_steps: '<flow_slug>.<step_slug>' of dependent steps and maps that want the run's input too.
create function pgflow._task_results(
  flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[], flow_input_steps text[]
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_flow_slug text;
  v_slugs text[];      -- of the flow's steps, as all that follow
  v_deps_counts int[];
  v_maps boolean[];
  v_array_slugs text[];
  v_timeouts int[];
  v_max_attempts int[];
begin
  foreach v_flow_slug in array pgflow._distinct(_task_results.flow_slugs) loop
    select p.step_slugs, p.deps_counts, p.maps, p.array_slugs, p.timeouts, p.max_attempts
    into v_slugs, v_deps_counts, v_maps, v_array_slugs, v_timeouts, v_max_attempts
    from pgflow.prepared_flows p
    where p.flow_slug = v_flow_slug;

    return query
    select
      'claimed'::text,
      t.flow_slug,
      t.run_id,
      t.step_slug,
      t.task_index,
      t.attempts_count,
      t.last_worker_id,
      t.message_id,
      case
        when v_maps[s.place] then coalesce(
          t.element,
          case
            when v_array_slugs[s.place] = '' then r.input -> t.task_index
            else (
              select ds.output -> t.task_index
              from pgflow.step_states ds
              where ds.run_id = t.run_id and ds.step_slug = v_array_slugs[s.place]
            )
          end
        )
        when v_deps_counts[s.place] = 0 then '{}'
        else (
          select coalesce(jsonb_object_agg(d.dep_slug, coalesce(ds.output, 'null')), '{}')
          from pgflow.deps d
          cross join lateral (
            select l.output
            from pgflow.step_states l
            where l.run_id = t.run_id and l.step_slug = d.dep_slug and l.status = 'completed'
            limit 1
          ) ds
          where d.flow_slug = t.flow_slug and d.step_slug = t.step_slug
        )
      end,
      case
        when v_deps_counts[s.place] = 0 and not v_maps[s.place]
          or v_flow_slug || '.' || k.step_slug = any(_task_results.flow_input_steps)
        then r.input
      end,
      v_timeouts[s.place],
      t.started_at,
      r.trace_context,
      null::int,
      v_max_attempts[s.place],
      t.state,
      t.round
    from unnest(
      _task_results.flow_slugs, _task_results.run_ids, _task_results.step_slugs, _task_results.task_indexes
    ) with ordinality k(flow_slug, run_id, step_slug, task_index, position)
    cross join lateral (
      select l.flow_slug, l.run_id, l.step_slug, l.task_index, l.attempts_count, l.last_worker_id, l.message_id,
        l.element, l.started_at, l.state, l.round
      from pgflow.step_tasks l
      where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
      limit 1
    ) t
    cross join lateral (
      select l.input, l.trace_context from pgflow.runs l where l.run_id = k.run_id limit 1
    ) r
    cross join lateral (select array_position(v_slugs, k.step_slug) as place) s
    where k.flow_slug = v_flow_slug
    order by k.position;
  end loop;
end;
$$;
