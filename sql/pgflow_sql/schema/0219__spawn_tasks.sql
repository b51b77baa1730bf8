-- Makes the tasks and messages of steps that have just been started (pairs; messages are sent in their
-- order). Up to hand_over tasks of steps without start_delay are born started, owned by the pair's worker,
-- their messages already invisible: that saves the claim. Returns the keys of those.
-- A task and its message are inserted together because the id is drawn from the queue's sequence first.
create function pgflow._spawn_tasks(
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  hand_over int,
  out handed_run_ids uuid[],
  out handed_step_slugs text[],
  out handed_task_indexes int[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_sequence regclass;
  v_left int := coalesce(hand_over, 0);
  v_made record;
  v_notify text[];
begin
  for v_flow_slug in
    select distinct r.flow_slug
    from unnest(_spawn_tasks.run_ids) p(run_id)
    cross join lateral (select l.flow_slug from pgflow.runs l where l.run_id = p.run_id limit 1) r
    order by r.flow_slug
  loop
    v_sequence := pg_get_serial_sequence(
      format('pgmq.%I', pgflow._queue_table(v_flow_slug, 'q')), 'msg_id'
    )::regclass;

    with made as (
      insert into pgflow.step_tasks (
        flow_slug, run_id, step_slug, task_index, message_id, status, attempts_count, started_at,
        last_worker_id, element
      )
      select
        v_flow_slug, q.run_id, q.step_slug, q.task_index, nextval(v_sequence),
        case when q.handed then 'started' else 'queued' end,
        case when q.handed then 1 else 0 end,
        case when q.handed then now() end,
        case when q.handed then q.worker_id end,
        q.element
      from (
        select
          s.run_id,
          s.step_slug,
          e.task_index,
          e.element,
          p.worker_id,
          coalesce(
            d.eligible
              and row_number() over (partition by d.eligible order by p.position, e.task_index) <= v_left,
            false
          ) as handed
        from unnest(_spawn_tasks.run_ids, _spawn_tasks.step_slugs, _spawn_tasks.worker_ids)
          with ordinality p(run_id, step_slug, worker_id, position)
        cross join lateral (
          select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
        ) s
        cross join lateral (
          select * from pgflow.steps l where l.flow_slug = v_flow_slug and l.step_slug = p.step_slug limit 1
        ) st
        cross join lateral (
          select coalesce(st.opt_start_delay, 0) = 0 and p.worker_id is not null and v_left > 0 as eligible
        ) d
        cross join lateral (
          select case
            when st.step_type <> 'map' then null
            when st.deps_count = 0 then (select r.input from pgflow.runs r where r.run_id = s.run_id)
            else (
              select ds.output
              from pgflow.deps d
              join pgflow.step_states ds on ds.run_id = s.run_id and ds.step_slug = d.dep_slug
              where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug
            )
          end as items
        ) a
        cross join lateral (
          select case
            when jsonb_typeof(a.items) = 'array' and jsonb_array_length(a.items) = s.initial_tasks then a.items
          end as items
        ) b
        cross join lateral (
          select i.element, (i.position - 1)::int as task_index
          from jsonb_array_elements(b.items) with ordinality i(element, position)
          union all
          -- single steps, and maps whose number of tasks was set by hand
          select null, g.task_index
          from generate_series(0, s.initial_tasks - 1) g(task_index)
          where b.items is null
        ) e
        where s.flow_slug = v_flow_slug
        order by p.position, e.task_index
      ) q
      returning run_id, step_slug, task_index, message_id, status
    )
    select
      array_agg(m.message_id) as msg_ids,
      array_agg(m.run_id) as run_ids,
      array_agg(m.step_slug) as step_slugs,
      array_agg(m.task_index) as task_indexes,
      array_agg(m.status = 'started') as handed,
      array_agg(
        case when m.status = 'started' then coalesce(st.opt_timeout, f.opt_timeout) + 2
        else coalesce(st.opt_start_delay, 0) end
      ) as vt_offsets,
      array_agg(m.run_id) filter (where m.status = 'started') as handed_run_ids,
      array_agg(m.step_slug) filter (where m.status = 'started') as handed_step_slugs,
      array_agg(m.task_index) filter (where m.status = 'started') as handed_task_indexes,
      bool_or(m.status = 'queued' and coalesce(st.opt_start_delay, 0) = 0) as visible
    into v_made
    from made m
    cross join lateral (
      select * from pgflow.steps l where l.flow_slug = v_flow_slug and l.step_slug = m.step_slug limit 1
    ) st
    cross join lateral (select l.opt_timeout from pgflow.flows l where l.flow_slug = v_flow_slug limit 1) f;

    execute format(
      $sql$
        insert into pgmq.%I (msg_id, read_ct, vt, message)
        overriding system value
        select m.msg_id, m.handed::int, $7 + m.vt_offset * interval '1 second',
          jsonb_build_object(
            'flow_slug', $8, 'run_id', m.run_id, 'step_slug', m.step_slug, 'task_index', m.task_index)
        from unnest($1, $2, $3, $4, $5, $6) m(msg_id, run_id, step_slug, task_index, handed, vt_offset)
      $sql$,
      pgflow._queue_table(v_flow_slug, 'q')
    ) using v_made.msg_ids, v_made.run_ids, v_made.step_slugs, v_made.task_indexes, v_made.handed,
      v_made.vt_offsets, clock_timestamp(), v_flow_slug;

    handed_run_ids := handed_run_ids || v_made.handed_run_ids;
    handed_step_slugs := handed_step_slugs || v_made.handed_step_slugs;
    handed_task_indexes := handed_task_indexes || v_made.handed_task_indexes;
    v_left := v_left - coalesce(cardinality(v_made.handed_run_ids), 0);
    if v_made.visible then
      v_notify := v_notify || v_flow_slug;
    end if;
  end loop;

  perform pgflow._notify(v_notify, null);
end;
$$;
