-- for: worker, client
-- One flow's queue, for pgflow.queue_metrics, whose columns are explained there. The archive is not counted but
-- estimated: it may hold millions.
create function pgflow.measure_queue(flow_slug text)
returns table (
  queue_length bigint,
  visible_count bigint,
  started_count bigint,
  delayed_count bigint,
  oldest_message_seconds double precision,
  longest_wait_seconds double precision,
  sent_count bigint,
  archived_estimate bigint,
  waiting_count bigint,
  failing_timer_count bigint,
  waiting_signal_count bigint,
  longest_signal_wait_seconds double precision,
  paused_schedule_count bigint,
  failing_schedule_count bigint,
  late_schedule_seconds double precision,
  failed_undo_count bigint
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue text := pgflow._queue_table(measure_queue.flow_slug, 'q');
  v_archive text := pgflow._queue_table(measure_queue.flow_slug, 'a');
begin
  if measure_queue.flow_slug is null
    or to_regclass(format('pgmq.%I', v_queue)) is null
    or not exists (select 1 from pgflow.flows f where f.flow_slug = measure_queue.flow_slug)
  then
    return;
  end if;
  return query execute format(
    $sql$
      select
        c.total, c.visible, s.started, c.total - c.visible - s.started,
        (
          select greatest(extract(epoch from $2 - q.enqueued_at), 0)::double precision
          from pgmq.%1$I q
          order by q.msg_id
          limit 1
        ),
        extract(epoch from $2 - (select min(q.vt) from pgmq.%1$I q where q.vt <= $2))::double precision,
        n.sent,
        coalesce(pg_stat_get_live_tuples(to_regclass($3)), 0),
        i.waiting, i.failing, g.waiting, g.longest, h.paused, i.failing_schedules, i.late, u.failed
      from (
        select count(*) as total, count(*) filter (where q.vt <= $2) as visible from pgmq.%1$I q
      ) c
      cross join (
        -- of delivered messages there are hardly more than workers have slots
        select count(*) as started
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
      ) s
      cross join (
        select coalesce(pg_sequence_last_value(pg_get_serial_sequence(%2$L, 'msg_id')::regclass), 0) as sent
      ) n
      cross join (
        select count(*) filter (where t.kind = 'wait') as waiting, count(*) filter (where t.failures > 0) as failing,
          count(*) filter (where t.failures > 0 and t.kind = 'schedule') as failing_schedules,
          extract(epoch from $2 - min(t.due_at) filter (where t.kind = 'schedule' and t.due_at < $2))::double precision
            as late
        from pgflow.timers t
        where t.flow_slug = $1
      ) i
      cross join (
        select count(*) as waiting, extract(epoch from $2 - min(w.since))::double precision as longest
        from pgflow.waiting_signals w
        where w.flow_slug = $1
      ) g
      cross join (
        select count(*) as paused from pgflow.schedules d where d.flow_slug = $1 and d.is_paused
      ) h
      cross join (
        select count(*) as failed
        from pgflow.runs r
        join pgflow.origins o on o.run_id = r.run_id
        where r.flow_slug = $1 || '__undo' and (r.failed_at is not null or r.cancelled_at is not null) and r.has_origin
          and not pgflow._is_left_behind(o.from_run_id, o.attempt)
      ) u
    $sql$,
    v_queue, format('pgmq.%I', v_queue)
  ) using measure_queue.flow_slug, clock_timestamp(), format('pgmq.%I', v_archive);
end;
$$;
