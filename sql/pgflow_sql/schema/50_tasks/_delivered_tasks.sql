-- The started tasks of a flow, those first whose messages become visible first; of at most max_messages (null: all).
-- Looks at delivered messages only: an index on the tasks' status would cost every update, and what merely waits
-- must cost nothing here.
create function pgflow._delivered_tasks(flow_slug text, max_messages int)
returns table (
  run_id uuid, step_slug text, task_index int, worker_id uuid, attempt int, started_at timestamptz,
  is_given_up boolean
)
language plpgsql
stable
as $$
begin
  if to_regclass(format('pgmq.%I', pgflow._queue_table(_delivered_tasks.flow_slug, 'q'))) is null then
    return;
  end if;
  return query execute format(
    $sql$
      select t.run_id, t.step_slug, t.task_index, t.last_worker_id, t.attempts_count, t.started_at,
        t.permanently_stalled_at is not null
      from (
        select (q.message ->> 'run_id')::uuid as run_id, q.message ->> 'step_slug' as step_slug,
          (q.message ->> 'task_index')::int as task_index
        from pgmq.%I q
        where q.read_ct > 0 and pgflow._is_task_message(q.message)
        order by q.vt
        limit $1
      ) m
      cross join lateral (
        select *
        from pgflow.step_tasks l
        where l.run_id = m.run_id and l.step_slug = m.step_slug and l.task_index = m.task_index
        limit 1
      ) t
      where t.status = 'started'
    $sql$,
    pgflow._queue_table(_delivered_tasks.flow_slug, 'q')
  ) using _delivered_tasks.max_messages;
end;
$$;
