-- Lets what is left of the started steps of these runs be done again, in run i after delays[i] seconds: rounds of loops,
-- which keep their state, and attempts count afresh, and go on being numbered, so that no late result of an old one can pass for a new one. A task whose attempt has
-- started a child takes up that child again, and the attempt counts. Callers hold the runs, of which no task has a message or a timer.
create function pgflow._retry_tasks(run_ids uuid[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_longest_hidden constant int := 10;  -- seconds; see _fail
  v_again record;
  v_all bigint;  -- see 00_model/model.sql
begin
  with again as (
    update pgflow.step_tasks t
    set status = 'queued',
        message_id = null,
        waits_for = case
          when o.has_children and pgflow._child_of(t) is not null then 'child'
          when o.delay > v_longest_hidden then 'time'
        end,
        queued_at = greatest(now(), t.queued_at),
        started_at = null,
        failed_at = null,
        cancelled_at = null,
        permanently_stalled_at = null,
        last_worker_id = null,
        error_message = null,
        output = null,
        killed_workers = null,
        is_tolerated = null,
        round = null,
        requeued_count = 0,
        forgiven_count = t.attempts_count - (o.has_children and pgflow._child_of(t) is not null)::int
    from (
      select s.run_id, s.step_slug, i.delay, i.position, exists (
        select 1
        from pgflow.steps st
        where st.flow_slug = s.flow_slug and st.step_slug = s.step_slug and st.kind = 'subflow'
      ) as has_children
      from unnest(_retry_tasks.run_ids, _retry_tasks.delays) with ordinality i(run_id, delay, position)
      cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
      where s.status = 'started'
      limit v_all
    ) o
    where t.run_id = o.run_id and t.step_slug = o.step_slug and t.status <> 'completed'
    returning t.flow_slug, t.run_id, t.step_slug, t.task_index, t.attempts_count, t.waits_for, o.delay, o.position
  ),
  sorted as (select * from again a order by a.position, a.step_slug collate "C", a.task_index)
  select
    array_agg(a.run_id) filter (where a.waits_for is null) as run_ids,
    array_agg(a.step_slug) filter (where a.waits_for is null) as step_slugs,
    array_agg(a.task_index) filter (where a.waits_for is null) as task_indexes,
    array_agg(a.delay) filter (where a.waits_for is null) as delays,
    array_agg(a.flow_slug) filter (where a.waits_for = 'time') as wait_flow_slugs,
    array_agg(a.run_id) filter (where a.waits_for = 'time') as wait_run_ids,
    array_agg(a.step_slug) filter (where a.waits_for = 'time') as wait_step_slugs,
    array_agg(a.task_index) filter (where a.waits_for = 'time') as wait_task_indexes,
    array_agg(clock_timestamp() + make_interval(secs => a.delay)) filter (where a.waits_for = 'time') as wait_due_at,
    array_agg(jsonb_build_object('attempt', a.attempts_count)) filter (where a.waits_for = 'time') as wait_payloads,
    array_agg(a.run_id) filter (where a.waits_for = 'child') as parent_ids,
    array_agg(a.step_slug) filter (where a.waits_for = 'child') as child_step_slugs,
    array_agg(a.task_index) filter (where a.waits_for = 'child') as child_indexes,
    array_agg(a.attempts_count) filter (where a.waits_for = 'child') as child_attempts
  into v_again
  from sorted a;

  if v_again.run_ids is not null then
    perform pgflow._send_anew(v_again.run_ids, v_again.step_slugs, v_again.task_indexes, v_again.delays);
  end if;
  perform pgflow._set_timers(
    'wait', v_again.wait_due_at, v_again.wait_flow_slugs, v_again.wait_run_ids, v_again.wait_step_slugs,
    v_again.wait_task_indexes, v_again.wait_payloads
  );
  if v_again.parent_ids is not null then
    perform pgflow._take_up_children(
      v_again.parent_ids, v_again.child_step_slugs, v_again.child_indexes, v_again.child_attempts, _retry_tasks.run_ids,
      _retry_tasks.delays
    );
  end if;
end;
$$;
