-- for: worker, client
-- How much there is to do in a flow now, for what decides how many workers there should be: tasks that a worker may
-- take, of 100,000 at most, those that workers are at, and timers that are due, which only workers fire. Of a paused
-- flow only what workers are at. Raises PF001 for an unknown flow.
create function pgflow.backlog(flow_slug text)
returns bigint
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue text := pgflow._queue_table(backlog.flow_slug, 'q');
  v_count bigint;
begin
  perform pgflow._check_flows(array[backlog.flow_slug]);
  execute format(
    $sql$
      select
        (
          -- of delivered messages there are hardly more than workers have slots
          select count(*)
          from pgmq.%1$I q
          cross join lateral (
            select 1
            from pgflow.step_tasks t
            where t.run_id = (q.message ->> 'run_id')::uuid
              and t.step_slug = q.message ->> 'step_slug'
              and t.task_index = (q.message ->> 'task_index')::int
              and t.message_id = q.msg_id
              and t.status = 'started'
            limit 1
          ) t
          where q.read_ct > 0 and q.vt > $2 and pgflow._is_task_message(q.message) and q.message ->> 'flow_slug' = $1
        )
        + case when p.is_paused then 0 else
          (select count(*) from (select from pgmq.%1$I q where q.vt <= $2 limit 100000) v)
          + (select count(*) from pgflow.timers t where t.due_at <= $2 and t.flow_slug = $1)
        end
      from pgflow.prepared_flows p
      where p.flow_slug = $1
    $sql$,
    v_queue
  ) into v_count using backlog.flow_slug, clock_timestamp();
  return coalesce(v_count, 0);
end;
$$;
