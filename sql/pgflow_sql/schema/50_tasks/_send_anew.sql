-- Sends new messages for queued tasks (keys) that have none, visible after delays[i] seconds (null: at once), in the
-- order given: they wait for nothing any more. Callers hold the runs.
create function pgflow._send_anew(run_ids uuid[], step_slugs text[], task_indexes int[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_flow_slugs text[] := pgflow._flows_of(run_ids);
  v_queue record;
  v_msg_ids bigint[];
  v_all bigint;  -- see 00_model/model.sql
begin
  for v_queue in
    select p.flow_slug, array_agg(p.run_id order by p.position) as run_ids,
      array_agg(p.step_slug order by p.position) as step_slugs,
      array_agg(p.task_index order by p.position) as task_indexes,
      array_agg(coalesce(p.delay, 0) order by p.position) as delays
    from unnest(v_flow_slugs, _send_anew.run_ids, _send_anew.step_slugs, _send_anew.task_indexes, _send_anew.delays)
      with ordinality p(flow_slug, run_id, step_slug, task_index, delay, position)
    group by p.flow_slug
    order by p.flow_slug
  loop
    execute format(
      $sql$
        with sent as (
          insert into pgmq.%I (vt, message)
          select
            clock_timestamp() + make_interval(secs => p.delay),
            jsonb_build_object(
              'flow_slug', $5, 'run_id', p.run_id, 'step_slug', p.step_slug, 'task_index', p.task_index
            )
          from unnest($1, $2, $3, $4) with ordinality p(run_id, step_slug, task_index, delay, position)
          order by p.position
          returning msg_id
        )
        select array_agg(s.msg_id order by s.msg_id) from sent s
      $sql$,
      pgflow._queue_table(v_queue.flow_slug, 'q')
    )
    into v_msg_ids
    using v_queue.run_ids, v_queue.step_slugs, v_queue.task_indexes, v_queue.delays, v_queue.flow_slug;

    update pgflow.step_tasks t
    set message_id = p.msg_id, waits_for = null
    from (
      select *
      from unnest(v_queue.run_ids, v_queue.step_slugs, v_queue.task_indexes, v_msg_ids)
        g(run_id, step_slug, task_index, msg_id)
      limit v_all
    ) p
    where t.run_id = p.run_id and t.step_slug = p.step_slug and t.task_index = p.task_index;
  end loop;
  perform pgflow._notify(v_flow_slugs, null);
end;
$$;
