-- Children that have ended (rows of ended_children): the output of a completed one is its task's, a failed one is a failed
-- attempt of it, a cancelled one is its last. Whatever the task waits for no more, or what has been retried meanwhile, is
-- let go. A child that somebody holds may be about to be retried: it is looked at again. Callers hold the parents.
create function pgflow._fire_ended_children(ended_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_locked uuid[];  -- of the children that have not completed, which alone may go on
  v_over record;
begin
  select array_agg(l.run_id) into v_locked
  from (
    select r.run_id
    from pgflow.runs r
    where r.run_id = any(array(select e.child_run_id from pgflow.ended_children e where e.ended_id = any(ended_ids)))
      and r.status <> 'completed'
    order by r.run_id
    for share skip locked
  ) l;

  select
    array_agg(j.run_id order by j.ended_id) filter (where j.verdict = 'completed') as done_run_ids,
    array_agg(j.step_slug order by j.ended_id) filter (where j.verdict = 'completed') as done_step_slugs,
    array_agg(j.task_index order by j.ended_id) filter (where j.verdict = 'completed') as done_task_indexes,
    array_agg(coalesce(j.output, '{}') order by j.ended_id) filter (where j.verdict = 'completed') as outputs,
    array_agg(j.run_id order by j.ended_id) filter (where j.verdict = 'failed') as run_ids,
    array_agg(j.step_slug order by j.ended_id) filter (where j.verdict = 'failed') as step_slugs,
    array_agg(j.task_index order by j.ended_id) filter (where j.verdict = 'failed') as task_indexes,
    array_agg(j.attempt order by j.ended_id) filter (where j.verdict = 'failed') as attempts,
    array_agg(j.last_worker_id order by j.ended_id) filter (where j.verdict = 'failed') as worker_ids,
    array_agg(j.message order by j.ended_id) filter (where j.verdict = 'failed') as messages,
    array_agg(j.is_retryable order by j.ended_id) filter (where j.verdict = 'failed') as retryable,
    array_agg(j.ended_id) filter (where j.verdict = 'busy') as busy_ids
  into v_over
  from (
    select distinct on (e.run_id, e.step_slug, e.task_index)
      e.ended_id, e.run_id, e.step_slug, e.task_index, e.attempt, t.last_worker_id, c.output,
      -- runs that start each other without an end would be that often more with each level
      c.status is not distinct from 'failed' and coalesce(
        c.error_message !~ '^(ChildFailed: the child run \S+ of flow "\w+" has failed: )*SubflowTooDeep: ', true
      ) as is_retryable,
      case
        when c.status is null then format('ChildDeleted: the child run %s is no more', e.child_run_id)
        when c.status = 'cancelled' then format(
          'ChildCancelled: the child run %s of flow "%s" was cancelled%s', e.child_run_id, c.flow_slug,
          coalesce(': ' || nullif(c.cancel_reason, ''), '')
        )
        else format(
          'ChildFailed: the child run %s of flow "%s" has failed: %s', e.child_run_id, c.flow_slug,
          coalesce(c.error_message, 'no reason given')
        )
      end as message,
      case
        when c.status = 'started' then 'gone on'
        when c.status = 'completed' then 'completed'
        when c.status is null or e.child_run_id = any(v_locked) then 'failed'
        else 'busy'
      end as verdict
    from (select * from pgflow.ended_children l where l.ended_id = any(ended_ids) offset 0) e
    cross join lateral (select l.status from pgflow.runs l where l.run_id = e.run_id limit 1) r
    cross join lateral (
      select l.status from pgflow.step_states l where l.run_id = e.run_id and l.step_slug = e.step_slug limit 1
    ) s
    cross join lateral (
      select *
      from pgflow.step_tasks l
      where l.run_id = e.run_id and l.step_slug = e.step_slug and l.task_index = e.task_index
      limit 1
    ) t
    left join lateral (select * from pgflow.runs l where l.run_id = e.child_run_id limit 1) c on true
    where r.status = 'started' and s.status = 'started'
      and t.status = 'queued' and t.waits_for = 'child' and t.attempts_count = e.attempt
    order by e.run_id, e.step_slug, e.task_index, e.ended_id desc
  ) j;

  if v_over.done_run_ids is not null then
    perform 1 from pgflow._complete(
      array_fill(null::uuid, array[cardinality(v_over.outputs)]), v_over.done_run_ids, v_over.done_step_slugs,
      v_over.done_task_indexes, array_fill(null::int, array[cardinality(v_over.outputs)]), v_over.outputs, 0, '{}', false,
      true
    );
  end if;
  if v_over.run_ids is not null then
    perform pgflow._fail_children(
      v_over.worker_ids, v_over.run_ids, v_over.step_slugs, v_over.task_indexes, v_over.attempts, v_over.messages,
      v_over.retryable
    );
  end if;
  with told as (
    delete from pgflow.ended_children e
    where e.ended_id = any(ended_ids) and (e.ended_id = any(v_over.busy_ids)) is not true
    returning e.run_id
  )
  update pgflow.timers t  -- an undo may wait for that
  set due_at = clock_timestamp()
  where t.run_id = any(array(select distinct d.run_id from told d)) and t.kind = 'companions'
    and t.payload ->> 'waits_for' = 'children';
  update pgflow.ended_children e set tried_at = clock_timestamp() where e.ended_id = any(v_over.busy_ids);
end;
$$;
