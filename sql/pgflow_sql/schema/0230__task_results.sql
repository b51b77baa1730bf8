-- What a worker needs to run these started tasks (keys with their flows), in the order given. Outputs of
-- dependencies are read from their step states by primary key, elements of maps from the task's own row.
-- flow_input_steps: '<flow_slug>.<step_slug>' of dependent steps and maps that want the run's input too.
create function pgflow._task_results(
  flow_slugs text[], run_ids uuid[], step_slugs text[], task_indexes int[], flow_input_steps text[]
)
returns setof pgflow.task_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_steps record;
begin
  -- one look at each step, however many of its tasks there are
  select
    array_agg(k.name) as names,
    array_agg(st.step_type = 'map') as maps,
    array_agg(st.deps_count = 0) as roots,
    array_agg(
      st.step_type = 'single' and st.deps_count = 0
      or coalesce(k.name = any(_task_results.flow_input_steps), false)
    ) as flow_inputs,
    array_agg(coalesce(st.opt_timeout, f.opt_timeout)) as timeouts,
    array_agg(coalesce(st.opt_max_attempts, f.opt_max_attempts)) as max_attempts
  into v_steps
  from (
    select distinct g.flow_slug, g.step_slug, g.flow_slug || '.' || g.step_slug as name
    from unnest(_task_results.flow_slugs, _task_results.step_slugs) g(flow_slug, step_slug)
  ) k
  cross join lateral (
    select l.step_type, l.deps_count, l.opt_timeout, l.opt_max_attempts
    from pgflow.steps l
    where l.flow_slug = k.flow_slug and l.step_slug = k.step_slug
    limit 1
  ) st
  cross join lateral (
    select l.opt_timeout, l.opt_max_attempts from pgflow.flows l where l.flow_slug = k.flow_slug limit 1
  ) f;

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
      when v_steps.maps[s.place] then coalesce(
        t.element,
        case
          when v_steps.roots[s.place] then r.input -> t.task_index
          else (
            select ds.output -> t.task_index
            from pgflow.deps d
            join pgflow.step_states ds on ds.run_id = t.run_id and ds.step_slug = d.dep_slug
            where d.flow_slug = t.flow_slug and d.step_slug = t.step_slug
          )
        end
      )
      when v_steps.roots[s.place] then '{}'
      else (
        select coalesce(jsonb_object_agg(d.dep_slug, coalesce(ds.output, 'null')), '{}')
        from pgflow.deps d
        join pgflow.step_states ds on ds.run_id = t.run_id and ds.step_slug = d.dep_slug
        where d.flow_slug = t.flow_slug and d.step_slug = t.step_slug and ds.status = 'completed'
      )
    end,
    case when v_steps.flow_inputs[s.place] then r.input end,
    v_steps.timeouts[s.place],
    t.started_at,
    r.trace_context,
    null::int,
    v_steps.max_attempts[s.place]
  from unnest(
    _task_results.flow_slugs, _task_results.run_ids, _task_results.step_slugs, _task_results.task_indexes
  ) with ordinality k(flow_slug, run_id, step_slug, task_index, position)
  cross join lateral (
    select l.flow_slug, l.run_id, l.step_slug, l.task_index, l.attempts_count, l.last_worker_id, l.message_id,
      l.element, l.started_at
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
  ) t
  cross join lateral (select l.input, l.trace_context from pgflow.runs l where l.run_id = k.run_id limit 1) r
  cross join lateral (select array_position(v_steps.names, k.flow_slug || '.' || k.step_slug) as place) s
  order by k.position;
end;
$$;
