-- What a worker needs to run these started tasks (keys), in the order given. Outputs of dependencies are read
-- from their step states by primary key, elements of maps from the task's own row.
-- flow_input_steps: '<flow_slug>.<step_slug>' of dependent steps and maps that want the run's input too.
create function pgflow._task_results(
  run_ids uuid[], step_slugs text[], task_indexes int[], flow_input_steps text[]
)
returns setof pgflow.task_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
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
      when st.step_type = 'map' then coalesce(
        t.element,
        case
          when st.deps_count = 0 then r.input -> t.task_index
          else (
            select ds.output -> t.task_index
            from pgflow.deps d
            join pgflow.step_states ds on ds.run_id = t.run_id and ds.step_slug = d.dep_slug
            where d.flow_slug = t.flow_slug and d.step_slug = t.step_slug
          )
        end
      )
      when st.deps_count = 0 then '{}'
      else (
        select coalesce(jsonb_object_agg(d.dep_slug, coalesce(ds.output, 'null')), '{}')
        from pgflow.deps d
        join pgflow.step_states ds on ds.run_id = t.run_id and ds.step_slug = d.dep_slug
        where d.flow_slug = t.flow_slug and d.step_slug = t.step_slug and ds.status = 'completed'
      )
    end,
    case
      when (st.step_type = 'single' and st.deps_count = 0)
        or t.flow_slug || '.' || t.step_slug = any(_task_results.flow_input_steps)
        then r.input
    end,
    coalesce(st.opt_timeout, f.opt_timeout),
    t.started_at,
    r.trace_context,
    null::int,
    coalesce(st.opt_max_attempts, f.opt_max_attempts)
  from unnest(_task_results.run_ids, _task_results.step_slugs, _task_results.task_indexes)
    with ordinality k(run_id, step_slug, task_index, position)
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = k.run_id and l.step_slug = k.step_slug and l.task_index = k.task_index
    limit 1
  ) t
  cross join lateral (select l.input, l.trace_context from pgflow.runs l where l.run_id = k.run_id limit 1) r
  cross join lateral (
    select * from pgflow.steps l where l.flow_slug = t.flow_slug and l.step_slug = k.step_slug limit 1
  ) st
  cross join lateral (select * from pgflow.flows l where l.flow_slug = t.flow_slug limit 1) f
  order by k.position;
end;
$$;
