-- Takes the messages of the queued tasks of those of these runs that are held: they wait for the release, those that
-- are due in more than ten seconds for their time first. Whoever claims has a message when it asks for the task's row:
-- so messages are locked first, and tasks are judged after that. Callers hold the runs.
create function pgflow._keep_held(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_open record;
  v_queue record;
  v_held record;
  v_vts timestamptz[];
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids into v_open
  from unnest(_keep_held.run_ids) i(run_id)
  cross join lateral (select l.status, l.held_at from pgflow.runs l where l.run_id = i.run_id limit 1) r
  cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
  cross join lateral (
    select * from pgflow.step_tasks l where l.run_id = s.run_id and l.step_slug = s.step_slug offset 0
  ) t
  where r.status = 'started' and r.held_at is not null and s.status = 'started'
    and t.status = 'queued' and t.message_id is not null;
  if v_open.msg_ids is null then
    return;
  end if;

  for v_queue in
    select m.flow_slug, array_agg(m.msg_id order by m.msg_id) as msg_ids
    from unnest(v_open.flow_slugs, v_open.msg_ids) m(flow_slug, msg_id)
    group by m.flow_slug
    order by m.flow_slug
  loop
    execute format(
      $sql$
        select array_agg(l.msg_id), array_agg(l.vt)
        from (select q.msg_id, q.vt from pgmq.%I q where q.msg_id = any($1) order by q.msg_id for update) l
      $sql$,
      pgflow._queue_table(v_queue.flow_slug, 'q')
    ) into v_queue.msg_ids, v_vts using v_queue.msg_ids;

    with held as (
      update pgflow.step_tasks t
      set message_id = null,
          waits_for = case when h.vt > clock_timestamp() + interval '10 seconds' then 'time' else 'hold' end
      from (
        select l.run_id, l.step_slug, l.task_index, l.message_id, m.vt
        from unnest(_keep_held.run_ids) i(run_id)
        cross join lateral (select * from pgflow.step_tasks k where k.run_id = i.run_id offset 0) l
        join unnest(v_queue.msg_ids, v_vts) m(msg_id, vt) on m.msg_id = l.message_id
        where l.status = 'queued' and l.flow_slug = v_queue.flow_slug
        limit v_all
      ) h
      where t.run_id = h.run_id and t.step_slug = h.step_slug and t.task_index = h.task_index
        and t.status = 'queued'
      returning t.run_id, t.step_slug, t.task_index, t.attempts_count, t.waits_for, h.vt, h.message_id
    )
    select array_agg(v_queue.flow_slug) as flow_slugs, array_agg(h.message_id) as msg_ids,
      array_agg(v_queue.flow_slug) filter (where h.waits_for = 'time') as wait_flow_slugs,
      array_agg(h.run_id) filter (where h.waits_for = 'time') as wait_run_ids,
      array_agg(h.step_slug) filter (where h.waits_for = 'time') as wait_step_slugs,
      array_agg(h.task_index) filter (where h.waits_for = 'time') as wait_task_indexes,
      array_agg(h.vt) filter (where h.waits_for = 'time') as wait_due_at,
      array_agg(jsonb_build_object('attempt', h.attempts_count)) filter (where h.waits_for = 'time') as wait_payloads
    into v_held
    from held h;

    perform pgflow._archive(v_held.flow_slugs, v_held.msg_ids);
    perform pgflow._set_timers(
      'wait', v_held.wait_due_at, v_held.wait_flow_slugs, v_held.wait_run_ids, v_held.wait_step_slugs,
      v_held.wait_task_indexes, v_held.wait_payloads
    );
  end loop;
end;
$$;
