-- Tasks of subflow steps among those that are to be completed (as in _complete) start a child each, whose input is the
-- output given, and wait for it. What has no child fails its attempt: the flow is not there, or the runs are too deep.
-- Callers hold the runs. Returns the positions of both, with what to say of the latter, and the children.
create function pgflow._begin_children(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  fenced boolean,
  out begun_positions bigint[],
  out child_ids uuid[],
  out refused_positions bigint[],
  out refused_messages text[],
  out retryable boolean[]
)
language plpgsql
as $$
declare
  v_most_depth constant int := 16;
  v_asked record;
  v_flow_slug text;
  v_group record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select
    array_agg(c.position) filter (where c.reason is null) as positions,
    array_agg(c.run_id) filter (where c.reason is null) as run_ids,
    array_agg(c.step_slug) filter (where c.reason is null) as step_slugs,
    array_agg(c.task_index) filter (where c.reason is null) as task_indexes,
    array_agg(c.attempt) filter (where c.reason is null) as attempts,
    array_agg(c.flow_slug) filter (where c.reason is null) as flow_slugs,
    array_agg(c.msg_id) filter (where c.reason is null) as msg_ids,
    array_agg(c.child_slug) filter (where c.reason is null) as child_slugs,
    array_agg(c.depth) filter (where c.reason is null) as depths,
    array_agg(coalesce(c.output, 'null')) filter (where c.reason is null) as inputs,
    array_agg(c.trace_context) filter (where c.reason is null) as trace_contexts,
    array_agg(c.position) filter (where c.reason is not null) as refused_positions,
    array_agg(c.reason) filter (where c.reason is not null) as reasons,
    array_agg(c.is_missing) filter (where c.reason is not null) as retryable
  into v_asked
  from (
    select distinct on (g.run_id, g.step_slug, g.task_index)
      g.position, g.run_id, g.step_slug, g.task_index, g.output, r.flow_slug, r.trace_context,
      t.attempts_count as attempt, t.message_id as msg_id, st.child_slug, d.depth, p.flow_slug is null as is_missing,
      case
        when p.flow_slug is null then format(
          'SubflowMissing: the flow "%s" is not in this database; apply its migration', st.child_slug
        )
        when d.depth > v_most_depth then format(
          'SubflowTooDeep: a run would start another one %s deep, and at most %s are allowed', d.depth, v_most_depth
        )
        when d.depth > st.max_depth then format(
          'SubflowTooDeep: a run would start another one %s deep, and max_depth of the step is %s', d.depth, st.max_depth
        )
        when p.has_root_maps and jsonb_typeof(g.output) is distinct from 'array' then format(
          'SubflowInput: the flow "%s" goes over its input, which must be an array', st.child_slug
        )
      end as reason
    from unnest(
      _begin_children.worker_ids, _begin_children.run_ids, _begin_children.step_slugs, _begin_children.task_indexes,
      _begin_children.attempts, _begin_children.outputs
    ) with ordinality g(worker_id, run_id, step_slug, task_index, attempt, output, position)
    cross join lateral (select * from pgflow.runs l where l.run_id = g.run_id limit 1) r
    cross join lateral (
      select l.options ->> 'subflow' as child_slug, (l.options ->> 'max_depth')::int as max_depth
      from pgflow.steps l
      where l.flow_slug = r.flow_slug and l.step_slug = g.step_slug and l.kind = 'subflow'
      limit 1
    ) st
    cross join lateral (
      select l.status from pgflow.step_states l where l.run_id = g.run_id and l.step_slug = g.step_slug limit 1
    ) s
    cross join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t
    cross join lateral (
      select 1 + coalesce((select o.depth from pgflow.origins o where r.has_origin and o.run_id = r.run_id), 0) as depth
    ) d
    left join lateral (
      select l.flow_slug, l.has_root_maps from pgflow.prepared_flows l where l.flow_slug = st.child_slug limit 1
    ) p on true
    where r.status = 'started' and s.status = 'started' and t.status = 'started'
      and (not _begin_children.fenced or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt))
    order by g.run_id, g.step_slug, g.task_index, g.position
  ) c;
  begun_positions := v_asked.positions;
  refused_positions := v_asked.refused_positions;
  refused_messages := v_asked.reasons;
  retryable := v_asked.retryable;
  if v_asked.positions is null then
    return;
  end if;

  perform pgflow._archive(v_asked.flow_slugs, v_asked.msg_ids);
  update pgflow.step_tasks t
  set status = 'queued', waits_for = 'child', message_id = null
  from (
    select *
    from unnest(v_asked.run_ids, v_asked.step_slugs, v_asked.task_indexes) g(run_id, step_slug, task_index)
    limit v_all
  ) c
  where t.run_id = c.run_id and t.step_slug = c.step_slug and t.task_index = c.task_index;

  -- origins first: a child may end as it starts
  child_ids := array(select pgflow._new_run_id() from generate_series(1, cardinality(v_asked.positions)));
  insert into pgflow.origins (run_id, kind, from_run_id, step_slug, task_index, attempt, depth)
  select *
  from unnest(
    child_ids, array_fill('child'::text, array[cardinality(child_ids)]), v_asked.run_ids, v_asked.step_slugs,
    v_asked.task_indexes, v_asked.attempts, v_asked.depths
  );
  foreach v_flow_slug in array pgflow._distinct(v_asked.child_slugs) loop
    select array_agg(c.input order by c.position) as inputs, array_agg(c.run_id order by c.position) as run_ids,
      array_agg(c.trace_context order by c.position) as trace_contexts
    into v_group
    from unnest(v_asked.child_slugs, v_asked.inputs, child_ids, v_asked.trace_contexts)
      with ordinality c(flow_slug, input, run_id, trace_context, position)
    where c.flow_slug = v_flow_slug;
    perform pgflow._start_flows(v_flow_slug, v_group.inputs, v_group.run_ids, v_group.trace_contexts, null, true);
  end loop;
end;
$$;
