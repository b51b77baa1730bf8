-- Takes the messages of the queued tasks of those of these runs that are held: they wait for the release, those that
-- are due in more than ten seconds for their time first. Whoever claims has a message when it asks for the task's row:
-- so messages are locked first, and tasks are judged after that. Callers hold the runs.
create function pgflow._keep_held(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
  v_open record;
  v_locked record;
  v_held record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(t.flow_slug order by t.message_id) as flow_slugs,
    array_agg(t.message_id order by t.message_id) as msg_ids,
    array_agg(t.run_id order by t.message_id) as run_ids,
    array_agg(t.step_slug order by t.message_id) as step_slugs,
    array_agg(t.task_index order by t.message_id) as task_indexes
  into v_open
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

  foreach v_flow_slug in array pgflow._distinct(v_open.flow_slugs) loop
    execute format(
      $sql$
        select array_agg(l.msg_id) as msg_ids, array_agg(l.vt) as vts, array_agg(l.run_id) as run_ids,
          array_agg(l.step_slug) as step_slugs, array_agg(l.task_index) as task_indexes
        from (
          select m.*, q.vt
          from (
            select *
            from unnest($1, $2, $3, $4, $5) u(flow_slug, msg_id, run_id, step_slug, task_index)
            where u.flow_slug = $6
            order by u.msg_id
          ) m
          cross join lateral (select k.vt from pgmq.%I k where k.msg_id = m.msg_id limit 1 for update) q
        ) l
      $sql$,
      pgflow._queue_table(v_flow_slug, 'q')
    )
    into v_locked
    using v_open.flow_slugs, v_open.msg_ids, v_open.run_ids, v_open.step_slugs, v_open.task_indexes, v_flow_slug;

    with held as (
      update pgflow.step_tasks t
      set message_id = null,
          waits_for = case when m.vt > clock_timestamp() + interval '10 seconds' then 'time' else 'hold' end
      from (
        select *
        from unnest(v_locked.msg_ids, v_locked.vts, v_locked.run_ids, v_locked.step_slugs, v_locked.task_indexes)
          u(msg_id, vt, run_id, step_slug, task_index)
        limit v_all
      ) m
      where t.run_id = m.run_id and t.step_slug = m.step_slug and t.task_index = m.task_index
        and t.message_id = m.msg_id and t.status = 'queued'
      returning t.flow_slug, t.run_id, t.step_slug, t.task_index, t.attempts_count, t.waits_for, m.vt, m.msg_id
    )
    select array_agg(h.flow_slug) as flow_slugs, array_agg(h.msg_id) as msg_ids,
      array_agg(h.flow_slug) filter (where h.waits_for = 'time') as wait_flow_slugs,
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
