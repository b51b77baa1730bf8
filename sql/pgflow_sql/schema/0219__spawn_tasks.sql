-- Makes the tasks and messages of steps that have just been started (pairs with their flow and number of tasks;
-- messages are sent in their order). Up to hand_over tasks of steps without start_delay are born started, owned
-- by the pair's worker, their messages already invisible: that saves the claim. Returns the keys of those.
create function pgflow._spawn_tasks(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  task_counts int[],
  hand_over int,
  out handed_flow_slugs text[],
  out handed_run_ids uuid[],
  out handed_step_slugs text[],
  out handed_task_indexes int[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_left int := coalesce(hand_over, 0);
  v_steps record;
  v_tasks record;
  v_msg_ids bigint[];
  v_notify text[];
begin
  for v_flow_slug in
    select distinct f.flow_slug from unnest(_spawn_tasks.flow_slugs) f(flow_slug) order by 1
  loop
    -- one look at each step, however many runs have started it
    select
      array_agg(st.step_slug) as slugs,
      array_agg(coalesce(st.opt_start_delay, 0)) as start_delays,
      array_agg(coalesce(st.opt_timeout, f.opt_timeout) + 2) as vt_offsets,
      bool_or(st.step_type = 'map') as maps
    into v_steps
    from pgflow.flows f
    cross join lateral (
      select l.step_slug, l.opt_timeout, l.opt_start_delay, l.step_type
      from pgflow.steps l
      where l.flow_slug = f.flow_slug and l.step_slug = any(_spawn_tasks.step_slugs)
      offset 0
    ) st
    where f.flow_slug = v_flow_slug;

    select
      array_agg(q.run_id) as run_ids,
      array_agg(q.step_slug) as step_slugs,
      array_agg(q.task_index) as task_indexes,
      array_agg(case when q.handed then q.worker_id end) as worker_ids,
      array_agg(q.handed) as handed,
      array_agg(q.handed::int) as read_counts,
      array_agg(
        clock_timestamp() + make_interval(secs => case when q.handed then q.vt_offset else q.start_delay end)
      ) as vts,
      array_agg(jsonb_build_object(
        'flow_slug', v_flow_slug, 'run_id', q.run_id, 'step_slug', q.step_slug, 'task_index', q.task_index
      )) as messages,
      array_agg(q.run_id) filter (where q.handed) as handed_run_ids,
      array_agg(q.step_slug) filter (where q.handed) as handed_step_slugs,
      array_agg(q.task_index) filter (where q.handed) as handed_task_indexes,
      bool_or(not q.handed and q.start_delay = 0) as visible
    into v_tasks
    from (
      select
        e.*,
        e.eligible and count(*) filter (where e.eligible) over (order by e.position, e.task_index) <= v_left
          as handed
      from (
        select
          p.run_id, p.step_slug, p.worker_id, p.position,
          generate_series(0, p.task_count - 1) as task_index,
          v_steps.start_delays[s.place] as start_delay,
          v_steps.vt_offsets[s.place] as vt_offset,
          v_left > 0 and p.worker_id is not null and v_steps.start_delays[s.place] = 0 as eligible
        from unnest(
          _spawn_tasks.flow_slugs, _spawn_tasks.run_ids, _spawn_tasks.step_slugs, _spawn_tasks.worker_ids,
          _spawn_tasks.task_counts
        ) with ordinality p(flow_slug, run_id, step_slug, worker_id, task_count, position)
        cross join lateral (select array_position(v_steps.slugs, p.step_slug) as place) s
        where p.flow_slug = v_flow_slug
      ) e
    ) q;

    -- planned at each call: as little as possible in it
    execute format(
      $sql$
        with sent as (
          insert into pgmq.%I (read_ct, vt, message)
          select * from unnest($1, $2, $3)
          returning msg_id
        )
        select array_agg(s.msg_id order by s.msg_id) from sent s
      $sql$,
      pgflow._queue_table(v_flow_slug, 'q')
    ) into v_msg_ids using v_tasks.read_counts, v_tasks.vts, v_tasks.messages;

    insert into pgflow.step_tasks (
      flow_slug, run_id, step_slug, task_index, message_id, status, attempts_count, started_at,
      last_worker_id, element
    )
    select
      v_flow_slug, t.run_id, t.step_slug, t.task_index, t.message_id,
      case when t.handed then 'started' else 'queued' end,
      t.handed::int,
      case when t.handed then now() end,
      t.worker_id,
      t.element
    from unnest(
      v_tasks.run_ids, v_tasks.step_slugs, v_tasks.task_indexes, v_msg_ids, v_tasks.handed, v_tasks.worker_ids,
      case when v_steps.maps then pgflow._elements(
        v_flow_slug, _spawn_tasks.flow_slugs, _spawn_tasks.run_ids, _spawn_tasks.step_slugs,
        _spawn_tasks.task_counts
      ) end
    ) t(run_id, step_slug, task_index, message_id, handed, worker_id, element);

    if v_tasks.handed_run_ids is not null then
      handed_flow_slugs := handed_flow_slugs
        || array_fill(v_flow_slug, array[cardinality(v_tasks.handed_run_ids)]);
      handed_run_ids := handed_run_ids || v_tasks.handed_run_ids;
      handed_step_slugs := handed_step_slugs || v_tasks.handed_step_slugs;
      handed_task_indexes := handed_task_indexes || v_tasks.handed_task_indexes;
      v_left := v_left - cardinality(v_tasks.handed_run_ids);
    end if;
    if v_tasks.visible then
      v_notify := v_notify || v_flow_slug;
    end if;
  end loop;
  if v_notify is not null then
    perform pgflow._notify(v_notify, null);
  end if;
end;
$$;
