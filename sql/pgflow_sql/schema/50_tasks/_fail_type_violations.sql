-- A single step that feeds a map whose number of tasks is still unknown has to produce an array. Fails the
-- runs of elements that do not (the first of each run) and returns their positions. Callers hold the run locks.
create function pgflow._fail_type_violations(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  fenced boolean
)
returns bigint[]
language plpgsql
as $$
declare
  v_wrong record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select
    array_agg(w.position) as positions,
    array_agg(w.run_id) as run_ids,
    array_agg(w.step_slug) as step_slugs,
    array_agg(w.task_index) as task_indexes,
    array_agg(w.output) as outputs,
    array_agg(w.produced) as types,
    array_agg(w.flow_slug) as flow_slugs,
    array_agg(w.message_id) as msg_ids,
    array_agg(format(
      '[TYPE_VIOLATION] Map step %s expects array input but dependency %s produced %s',
      w.map_slug, w.step_slug, w.produced
    )) as messages
  into v_wrong
  from (
    select distinct on (g.run_id)
      g.position, g.run_id, g.step_slug, g.task_index, g.output, t.flow_slug, t.message_id, m.map_slug,
      coalesce(jsonb_typeof(g.output), 'null') as produced
    from unnest(
      _fail_type_violations.worker_ids, _fail_type_violations.run_ids, _fail_type_violations.step_slugs,
      _fail_type_violations.task_indexes, _fail_type_violations.attempts, _fail_type_violations.outputs
    ) with ordinality g(worker_id, run_id, step_slug, task_index, attempt, output, position)
    cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
    cross join lateral (
      select l.flow_slug, l.step_slug, l.status
      from pgflow.step_states l
      where l.run_id = g.run_id and l.step_slug = g.step_slug
      limit 1
    ) s
    cross join lateral (
      select l.step_type
      from pgflow.steps l
      where l.flow_slug = s.flow_slug and l.step_slug = g.step_slug
      limit 1
    ) st
    cross join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      limit 1
    ) t
    cross join lateral (
      select d.step_slug as map_slug
      from pgflow.deps d
      join pgflow.steps c on c.flow_slug = d.flow_slug and c.step_slug = d.step_slug
      join pgflow.step_states cs on cs.run_id = g.run_id and cs.step_slug = d.step_slug
      where d.flow_slug = s.flow_slug
        and d.dep_slug = s.step_slug
        and d.is_array
        and cs.initial_tasks is null
      order by c.step_index
      limit 1
    ) m
    where (g.output is null or jsonb_typeof(g.output) <> 'array')
      and r.status = 'started'
      and s.status = 'started'
      and st.step_type = 'single'
      and t.status = 'started'
      and (
        not _fail_type_violations.fenced
        or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt)
      )
    order by g.run_id, g.position
  ) w;
  if v_wrong.positions is null then
    return null;
  end if;

  update pgflow.step_tasks t
  set status = 'failed',
      failed_at = greatest(now(), t.started_at),
      output = w.output,
      error_message = format('[TYPE_VIOLATION] Produced %s instead of array', w.produced),
      attempt_errors = pgflow._with_attempt(
        t.attempt_errors, t.attempts_count, format('[TYPE_VIOLATION] Produced %s instead of array', w.produced), null
      )
  from (
    select *
    from unnest(v_wrong.run_ids, v_wrong.step_slugs, v_wrong.task_indexes, v_wrong.outputs, v_wrong.types)
      g(run_id, step_slug, task_index, output, produced)
    limit v_all
  ) w
  where t.run_id = w.run_id and t.step_slug = w.step_slug and t.task_index = w.task_index;

  perform pgflow._archive(v_wrong.flow_slugs, v_wrong.msg_ids);
  perform pgflow._fail_runs(v_wrong.run_ids, v_wrong.step_slugs, v_wrong.messages);
  perform pgflow._notify(null, v_wrong.run_ids);
  return v_wrong.positions;
end;
$$;
