-- for: pgflow
-- The second half of polling: starts the tasks of messages the worker has read. Whatever cannot be started is
-- ignored, its message left alone; so is what would make the inputs larger than 64 MB together. A task whose input
-- cannot be put together fails.
create function pgflow.start_tasks(flow_slug text, msg_ids bigint[], worker_id uuid)
returns setof pgflow.step_task_record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages record;
  v_started record;
  v_flow_slugs text[];
begin
  if coalesce(cardinality(start_tasks.msg_ids), 0) = 0
    or start_tasks.flow_slug is null
    or to_regclass(format('pgmq.%I', pgflow._queue_table(start_tasks.flow_slug, 'q'))) is null
  then
    return;
  end if;
  if exists (
    select 1
    from pgflow.workers w
    where w.worker_id = start_tasks.worker_id and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  ) and not pgflow._note_life(array[start_tasks.worker_id]) then
    perform pgflow._check_workers(array[start_tasks.worker_id]);
  end if;

  -- Locked in order: of two workers starting the same messages one waits and then finds nothing queued.
  execute format(
    $sql$
      select array_agg(m.msg_id) as msg_ids, array_agg((m.message ->> 'run_id')::uuid) as run_ids,
        array_agg(m.message ->> 'step_slug') as step_slugs,
        array_agg((m.message ->> 'task_index')::int) as task_indexes
      from (
        select q.msg_id, q.message
        from pgmq.%I q
        where q.msg_id = any($1) and pgflow._is_task_message(q.message)
        order by q.msg_id
        for update
      ) m
    $sql$,
    pgflow._queue_table(start_tasks.flow_slug, 'q')
  ) into v_messages using start_tasks.msg_ids;
  if v_messages.run_ids is null then
    return;
  end if;

  select * into v_started
  from pgflow._start_tasks(
    start_tasks.worker_id, start_tasks.flow_slug,
    v_messages.msg_ids, v_messages.run_ids, v_messages.step_slugs, v_messages.task_indexes
  );
  if v_started.started_run_ids is null then
    return;
  end if;
  execute format(
    $sql$
      update pgmq.%I q
      set vt = clock_timestamp() + make_interval(secs => o.vt_offset), read_ct = greatest(q.read_ct, 1)
      from unnest($1, $2) o(msg_id, vt_offset)
      where q.msg_id = o.msg_id
    $sql$,
    pgflow._queue_table(start_tasks.flow_slug, 'q')
  ) using v_started.started_msg_ids, v_started.vt_offsets;

  v_flow_slugs := array_fill(start_tasks.flow_slug, array[cardinality(v_started.started_run_ids)]);
  return query
  select r.flow_slug, r.run_id, r.step_slug, r.input, r.msg_id, r.task_index, r.flow_input
  from pgflow._hand_out(
    v_flow_slugs, v_started.started_run_ids, v_started.started_step_slugs, v_started.started_task_indexes, '{}',
    v_started.has_large_values, null
  ) r;
end;
$$;
