-- Starts runs of one flow: element i is an input, a run id (null: a new one) and a trace context. A run id
-- that exists is that run if flow and input are the same, else PF002. Returns the ids in the order of inputs.
create function pgflow._start_flows(flow_slug text, inputs jsonb[], run_ids uuid[], trace_contexts jsonb[])
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count int := cardinality(inputs);
  v_run_ids uuid[];
  v_steps record;
  v_created uuid[];
  v_direct boolean;
  v_started record;
  v_roots record;
begin
  perform pgflow._check_flows(array[_start_flows.flow_slug]);

  -- one look at the definition, so that counters and states agree whatever is added meanwhile
  select
    coalesce(array_agg(st.step_slug order by st.step_index), '{}') as slugs,
    array_agg(st.deps_count order by st.step_index) as deps_counts,
    array_agg(st.step_type order by st.step_index) as types,
    coalesce(bool_or(st.step_type = 'map' and st.deps_count = 0), false) as root_maps,
    coalesce(
      bool_or(st.required_input_pattern is not null or st.forbidden_input_pattern is not null), false
    ) as conditions
  into v_steps
  from pgflow.steps st
  where st.flow_slug = _start_flows.flow_slug;

  if v_steps.root_maps then
    perform pgflow._check_array_input(_start_flows.flow_slug, i.input)
    from unnest(_start_flows.inputs) i(input);
  end if;

  select array_agg(coalesce(_start_flows.run_ids[i.position], pgflow.new_run_id()) order by i.position)
  into v_run_ids
  from generate_series(1, v_count) i(position);

  with created as (
    insert into pgflow.runs (run_id, flow_slug, input, remaining_steps, trace_context)
    select i.run_id, _start_flows.flow_slug, i.input, cardinality(v_steps.slugs), i.trace_context
    from unnest(v_run_ids, _start_flows.inputs, _start_flows.trace_contexts) i(run_id, input, trace_context)
    order by i.run_id
    on conflict on constraint runs_pkey do nothing
    returning runs.run_id
  )
  select array_agg(c.run_id) into v_created from created c;

  if coalesce(cardinality(v_created), 0) < v_count then
    perform pgflow._check_same_runs(_start_flows.flow_slug, v_run_ids, _start_flows.inputs);
    if v_created is null then
      return v_run_ids;
    end if;
  end if;

  -- Without conditions and empty root maps the roots are born started.
  v_direct := not v_steps.conditions and not (
    v_steps.root_maps
    and exists (select 1 from unnest(_start_flows.inputs) i(input) where jsonb_array_length(i.input) = 0)
  );

  with states as (
    insert into pgflow.step_states (
      flow_slug, run_id, step_slug, remaining_deps, initial_tasks, status, started_at, remaining_tasks
    )
    select
      _start_flows.flow_slug, r.run_id, st.slug, st.deps_count, c.initial_tasks,
      case when v_direct and st.deps_count = 0 then 'started' else 'created' end,
      case when v_direct and st.deps_count = 0 then now() end,
      case when v_direct and st.deps_count = 0 then c.initial_tasks end
    from unnest(v_created) i(run_id)
    cross join lateral (select l.run_id, l.input from pgflow.runs l where l.run_id = i.run_id limit 1) r
    cross join unnest(v_steps.slugs, v_steps.deps_counts, v_steps.types) st(slug, deps_count, type)
    cross join lateral (
      select case
        when st.type = 'single' then 1
        when st.deps_count = 0 then jsonb_array_length(r.input)
      end as initial_tasks
    ) c
    returning step_states.run_id, step_states.step_slug, step_states.remaining_deps, step_states.initial_tasks
  ),
  roots as (
    -- messages go out in the order of the inputs
    select s.run_id, s.step_slug, s.initial_tasks
    from states s
    where s.remaining_deps = 0
    order by array_position(v_run_ids, s.run_id), s.step_slug collate "C"
  )
  select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs,
    array_agg(s.initial_tasks) as task_counts
  into v_roots
  from roots s;

  perform pgflow._send_events('run:started', v_created);

  if v_direct then
    select v_roots.run_ids as started_run_ids, v_roots.step_slugs as started_step_slugs,
      v_roots.task_counts as started_task_counts
    into v_started;
  else
    select s.started_run_ids, s.started_step_slugs, s.started_task_counts into v_started
    from pgflow._settle(v_roots.run_ids, v_roots.step_slugs) p
    cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;
  end if;

  if v_started.started_run_ids is not null then
    perform pgflow._send_events('step:started', v_started.started_run_ids, v_started.started_step_slugs);
    perform pgflow._spawn_tasks(
      array_fill(_start_flows.flow_slug, array[cardinality(v_started.started_run_ids)]),
      v_started.started_run_ids, v_started.started_step_slugs, null, v_started.started_task_counts, 0
    );
  end if;
  if not v_direct or cardinality(v_steps.slugs) = 0 then
    perform pgflow._finish_runs(v_created, false);
  end if;
  perform pgflow._notify(null, v_created);
  return v_run_ids;
end;
$$;
