-- Completes tasks of many runs. fenced: element i counts only if its task is started by worker i in attempt i.
-- Returns what did not complete ('stale', 'failed') and, if asked for, tasks handed over ('claimed').
create function pgflow._complete(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  hand_over int,
  flow_input_steps text[],
  fenced boolean
)
returns setof pgflow.task_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slugs text[];
  v_accepted record;
  v_done record;
  v_handed record;
  v_violations bigint[];
  v_refused bigint[];
  v_all bigint;  -- see 0001_model.sql
begin
  -- A statement of its own: what follows must see what the others have committed meanwhile.
  select array_agg(distinct r.flow_slug) into v_flow_slugs
  from (
    select l.flow_slug
    from pgflow.runs l
    where l.run_id = any(_complete.run_ids)
    order by l.run_id
    for no key update
  ) r;

  if exists (
    select 1 from pgflow.steps st
    where st.flow_slug = any(v_flow_slugs) and st.step_type = 'map' and st.deps_count > 0
  ) then
    v_violations := pgflow._fail_type_violations(
      _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes,
      _complete.attempts, _complete.outputs, _complete.fenced
    );
    return query select v.* from pgflow._outcomes(
      'failed', v_violations, _complete.worker_ids, _complete.run_ids, _complete.step_slugs,
      _complete.task_indexes, _complete.attempts
    ) v;
  end if;

  with accepted as (
    update pgflow.step_tasks t
    set status = 'completed',
        completed_at = greatest(now(), t.started_at),
        output = g.output
    from (
      select u.*
      from unnest(
        _complete.worker_ids, _complete.run_ids, _complete.step_slugs, _complete.task_indexes,
        _complete.attempts, _complete.outputs
      ) with ordinality u(worker_id, run_id, step_slug, task_index, attempt, output, position)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = u.run_id limit 1) r
      cross join lateral (
        select l.status
        from pgflow.step_states l
        where l.run_id = u.run_id and l.step_slug = u.step_slug
        limit 1
      ) s
      where r.status = 'started' and s.status = 'started'
      limit v_all
    ) g
    where t.run_id = g.run_id
      and t.step_slug = g.step_slug
      and t.task_index = g.task_index
      and t.status = 'started'
      and (not _complete.fenced or (t.last_worker_id = g.worker_id and t.attempts_count = g.attempt))
    returning t.flow_slug, t.run_id, t.step_slug, t.message_id, t.last_worker_id, g.position
  )
  select
    array_agg(a.flow_slug) as flow_slugs,
    array_agg(a.run_id) as run_ids,
    array_agg(a.step_slug) as step_slugs,
    array_agg(a.message_id) as msg_ids,
    array_agg(a.last_worker_id) as worker_ids,
    array_agg(a.position) as positions
  into v_accepted
  from accepted a;

  if coalesce(cardinality(v_accepted.positions), 0) < cardinality(_complete.run_ids) then
    v_refused := array(
      select p.position from generate_series(1::bigint, cardinality(_complete.run_ids)) p(position)
      except select a.position from unnest(v_accepted.positions || v_violations) a(position)
      order by 1
    );
    perform pgflow._archive_late(v_refused, _complete.run_ids, _complete.step_slugs, _complete.task_indexes);
    return query select v.* from pgflow._outcomes(
      'stale', v_refused, _complete.worker_ids, _complete.run_ids, _complete.step_slugs,
      _complete.task_indexes, _complete.attempts
    ) v;
  end if;
  if v_accepted.positions is null then
    return;
  end if;

  -- One counter update per (run, step), however many of its tasks are in the batch.
  with counted as (
    update pgflow.step_states s
    set remaining_tasks = s.remaining_tasks - c.task_count,
        status = case when s.remaining_tasks = c.task_count then 'completed' else s.status end,
        completed_at = case when s.remaining_tasks = c.task_count then greatest(now(), s.started_at) end,
        output = case
          when s.remaining_tasks is distinct from c.task_count then null
          when c.step_type = 'map' then (
            select jsonb_agg(t.output order by t.task_index)
            from pgflow.step_tasks t
            where t.run_id = s.run_id and t.step_slug = s.step_slug
          )
          else (
            select t.output
            from pgflow.step_tasks t
            where t.run_id = s.run_id and t.step_slug = s.step_slug and t.status = 'completed'
            limit 1
          )
        end
    from (
      select a.run_id, a.step_slug, count(*)::int as task_count, (array_agg(a.worker_id))[1] as worker_id,
        (
          select st.step_type
          from pgflow.steps st
          where st.flow_slug = min(a.flow_slug) and st.step_slug = a.step_slug
        ) as step_type
      from unnest(v_accepted.flow_slugs, v_accepted.run_ids, v_accepted.step_slugs, v_accepted.worker_ids)
        a(flow_slug, run_id, step_slug, worker_id)
      group by a.run_id, a.step_slug
      limit v_all
    ) c
    where s.run_id = c.run_id and s.step_slug = c.step_slug
    returning s.run_id, s.step_slug, s.status, c.worker_id
  ),
  done as (
    select * from counted c where c.status = 'completed' order by c.run_id, c.step_slug collate "C"
  )
  select
    array_agg(d.run_id) as run_ids, array_agg(d.step_slug) as step_slugs, array_agg(d.worker_id) as worker_ids
  into v_done
  from done d;

  perform pgflow._archive(v_accepted.flow_slugs, v_accepted.msg_ids);

  if v_done.run_ids is not null then
    perform pgflow._send_events('step:completed', v_done.run_ids, v_done.step_slugs);
    select * into v_handed
    from pgflow._advance(v_done.run_ids, v_done.step_slugs, v_done.worker_ids, _complete.hand_over, true);
    return query select v.* from pgflow._task_results(
      v_handed.handed_run_ids, v_handed.handed_step_slugs, v_handed.handed_task_indexes,
      _complete.flow_input_steps
    ) v;
  end if;
  perform pgflow._notify(null, v_accepted.run_ids);
end;
$$;
