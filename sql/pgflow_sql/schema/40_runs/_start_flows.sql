-- Starts runs of one flow: element i is an input (null, as PostgREST hands JSON null on: JSON null), a run id (null: a
-- new one) and a trace context. A run id
-- that exists is that run if flow and input are the same, else PF002. Returns the ids in the order of inputs. With a
-- time for begins_at they are only written down: see _fire_begins. has_origin: origins says where they come from.
create function pgflow._start_flows(
  flow_slug text, inputs jsonb[], run_ids uuid[], trace_contexts jsonb[], begins_at timestamptz default null,
  has_origin boolean default null
)
returns uuid[]
language plpgsql
as $$
declare
  v_slugs text[];        -- of the flow's steps, as the next two
  v_deps_counts int[];
  v_array_slugs text[];  -- null: it has no maps
  v_root_slugs text[];
  v_has_root_maps boolean;
  v_has_conditions boolean;
  v_run_timeout int;
  v_has_kinds boolean;
  v_companion_of text;
  v_run_ids uuid[] := run_ids;
  v_created_count int;
  v_created uuid[];
  v_inputs jsonb[] := inputs;  -- of v_created
  v_direct boolean;
  v_root_run_ids uuid[];
  v_root_step_slugs text[];
  v_task_counts int[];
begin
  -- One look at the definition, so that counters and states agree whatever is added meanwhile; the lock keeps the flow
  -- from being deleted before its runs are there to be seen.
  select p.step_slugs, p.deps_counts, p.array_slugs, p.root_slugs, p.has_root_maps, p.has_conditions, p.run_timeout,
    p.has_kinds, p.companion_of
  into v_slugs, v_deps_counts, v_array_slugs, v_root_slugs, v_has_root_maps, v_has_conditions, v_run_timeout,
    v_has_kinds, v_companion_of
  from pgflow.prepared_flows p
  where p.flow_slug = _start_flows.flow_slug
  for key share;
  if not found then
    perform pgflow._check_flows(array[_start_flows.flow_slug]);
  end if;

  if v_companion_of is not null and _start_flows.has_origin is null then
    raise exception 'Flow "%" is started by the core, when a run of "%" has ended', _start_flows.flow_slug, v_companion_of
      using errcode = 'PF011', hint = format('Start a run of "%s".', v_companion_of);
  end if;

  -- inputs and ids
  if v_has_root_maps then
    perform pgflow._check_array_input(_start_flows.flow_slug, i.input)
    from unnest(_start_flows.inputs) i(input);
  end if;

  if v_run_ids is null or array_position(v_run_ids, null) is not null then
    v_run_ids := array(
      select coalesce(_start_flows.run_ids[i.position], pgflow._new_run_id())
      from generate_series(1, cardinality(_start_flows.inputs)) i(position)
      order by i.position
    );
  end if;

  if pg_column_size(_start_flows.inputs) > 65536
    and exists (select 1 from unnest(_start_flows.inputs) i(input) where pg_column_size(i.input) > 65536)
  then
    perform pgflow._note_large_values(array[_start_flows.flow_slug]);
  end if;
  -- runs, of which some may be there
  insert into pgflow.runs (run_id, flow_slug, input, remaining_steps, trace_context, begins_at, has_origin)
  select i.run_id, _start_flows.flow_slug, coalesce(i.input, 'null'), cardinality(v_slugs), i.trace_context,
    _start_flows.begins_at, _start_flows.has_origin
  from unnest(v_run_ids, _start_flows.inputs, _start_flows.trace_contexts) i(run_id, input, trace_context)
  order by i.run_id
  on conflict on constraint runs_pkey do nothing;
  get diagnostics v_created_count = row_count;

  v_created := v_run_ids;
  if v_created_count < cardinality(v_run_ids) then
    perform pgflow._check_same_runs(_start_flows.flow_slug, v_run_ids, _start_flows.inputs);
    -- the runs that were there have states, or are over if their flow has no steps
    select array_agg(n.run_id order by n.position), array_agg(n.input order by n.position)
    into v_created, v_inputs
    from (
      select i.run_id, min(i.position) as position, (array_agg(i.input))[1] as input
      from unnest(v_run_ids, _start_flows.inputs) with ordinality i(run_id, input, position)
      group by i.run_id
      offset 0
    ) n
    where not exists (select 1 from pgflow.step_states s where s.run_id = n.run_id)
      and (select r.status from pgflow.runs r where r.run_id = n.run_id) = 'started';
    if v_created is null then
      return v_run_ids;
    end if;
  end if;

  -- Without conditions and empty root maps the roots are born started.
  v_direct := not v_has_conditions and _start_flows.begins_at is null and not (
    v_has_root_maps
    and exists (select 1 from unnest(v_inputs) i(input) where jsonb_array_length(i.input) = 0)
  );

  insert into pgflow.step_states (
    flow_slug, run_id, step_slug, remaining_deps, initial_tasks, status, started_at, remaining_tasks
  )
  select
    _start_flows.flow_slug, i.run_id, st.slug, st.deps_count, c.initial_tasks,
    case when v_direct and st.deps_count = 0 then 'started' else 'created' end,
    case when v_direct and st.deps_count = 0 then now() end,
    case when v_direct and st.deps_count = 0 then c.initial_tasks end
  from unnest(v_created, case when v_has_root_maps then v_inputs end) i(run_id, input)
  cross join unnest(v_slugs, v_deps_counts, v_array_slugs) st(slug, deps_count, array_slug)
  cross join lateral (
    select case
      when st.array_slug is null then 1
      when st.array_slug = '' then jsonb_array_length(i.input)
    end as initial_tasks
  ) c;

  if v_has_kinds then
    perform pgflow._note_signal_keys(v_created);
  end if;
  if _start_flows.begins_at is not null then
    perform pgflow._await_begins(v_created);
    perform pgflow._notify(null, v_created);
    return v_run_ids;
  end if;
  if to_regnamespace('realtime') is not null then
    perform pgflow._send_events('run:started', v_created);
  end if;
  if v_run_timeout is not null then
    perform pgflow._set_run_timeouts(v_created);
  end if;

  -- the roots' tasks; messages go out in the order of the inputs
  if cardinality(v_root_slugs) = 1 and not v_has_root_maps then
    v_root_run_ids := v_created;
    v_root_step_slugs := array_fill(v_root_slugs[1], array[cardinality(v_created)]);
    v_task_counts := array_fill(1, array[cardinality(v_created)]);
  else
    select
      array_agg(i.run_id order by i.position, r.position),
      array_agg(r.slug order by i.position, r.position),
      array_agg(
        case when v_array_slugs[array_position(v_slugs, r.slug)] = '' then jsonb_array_length(i.input) else 1 end
        order by i.position, r.position
      )
    into v_root_run_ids, v_root_step_slugs, v_task_counts
    from unnest(v_created, case when v_has_root_maps then v_inputs end)
      with ordinality i(run_id, input, position)
    cross join unnest(v_root_slugs) with ordinality r(slug, position);
  end if;
  if not v_direct then
    select s.started_run_ids, s.started_step_slugs, s.started_task_counts
    into v_root_run_ids, v_root_step_slugs, v_task_counts
    from pgflow._settle(v_root_run_ids, v_root_step_slugs) p
    cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;
  end if;

  if v_root_run_ids is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('step:started', v_root_run_ids, v_root_step_slugs);
    end if;
    perform pgflow._spawn_tasks(
      array_fill(_start_flows.flow_slug, array[cardinality(v_root_run_ids)]),
      v_root_run_ids, v_root_step_slugs, null, v_task_counts, 0
    );
  end if;
  if not v_direct or cardinality(v_slugs) = 0 then
    perform pgflow._finish_runs(v_created, false, true);
  end if;
  if exists (select 1 from pgflow.announcements) then
    perform pgflow._notify(null, v_created);
  end if;
  return v_run_ids;
end;
$$;
