-- Puts stalled tasks (keys) back into their queues, or marks them stalled for good and archives their messages: with
-- deaths_decide one with which three different workers died, or that was requeued three times for that or as its
-- result never came, else one that has been requeued three times. The deaths of one worker count once: what it loses is hardly the task's doing.
-- Callers have established that they are stalled and hold their runs' locks. Returns how
-- many were requeued.
create function pgflow._requeue(
  dead_ids uuid[], deaths_decide boolean, run_ids uuid[], step_slugs text[], task_indexes int[]
)
returns int
language plpgsql
as $$
declare
  v_again record;
  v_over record;
  v_all bigint;  -- see 00_model/model.sql
begin
  with given_up as (
    update pgflow.step_tasks t
    set permanently_stalled_at = now(),
        killed_workers = case
          when _requeue.deaths_decide then array_append(t.killed_workers, t.last_worker_id) else t.killed_workers end
    from (
      select *
      from unnest(_requeue.run_ids, _requeue.step_slugs, _requeue.task_indexes) g(run_id, step_slug, task_index)
      limit v_all
    ) k
    where t.run_id = k.run_id
      and t.step_slug = k.step_slug
      and t.task_index = k.task_index
      and t.status = 'started'
      and case
        when _requeue.deaths_decide then
          coalesce(cardinality(t.killed_workers), 0) >= case when t.last_worker_id = any(dead_ids) then 2 else 3 end
          and pgflow._counts_as_death(t, dead_ids)
        else t.requeued_count >= 3
      end
      and t.permanently_stalled_at is null
    returning t.flow_slug, t.message_id
  )
  select array_agg(g.flow_slug) as flow_slugs, array_agg(g.message_id) as msg_ids into v_over from given_up g;

  with requeued as (
    update pgflow.step_tasks t
    set status = 'queued',
        started_at = null,
        last_worker_id = null,
        last_requeued_at = now(),
        killed_workers = case
          when _requeue.deaths_decide and pgflow._counts_as_death(t, dead_ids)
            then array_append(t.killed_workers, t.last_worker_id)
          else t.killed_workers
        end,
        requeued_count = t.requeued_count + 1
    from (
      select *
      from unnest(_requeue.run_ids, _requeue.step_slugs, _requeue.task_indexes) g(run_id, step_slug, task_index)
      limit v_all
    ) k
    where t.run_id = k.run_id
      and t.step_slug = k.step_slug
      and t.task_index = k.task_index
      and t.status = 'started'
      and t.permanently_stalled_at is null
    returning t.flow_slug, t.message_id
  )
  select
    array_agg(r.flow_slug) as flow_slugs, array_agg(r.message_id) as msg_ids, array_agg(0) as delays,
    count(*)::int as task_count
  into v_again
  from requeued r;

  perform pgflow._archive(v_over.flow_slugs, v_over.msg_ids);
  perform pgflow._send_back(v_again.flow_slugs, v_again.msg_ids, v_again.delays);
  if exists (select 1 from pgflow.runs r where r.run_id = any(_requeue.run_ids) and r.held_at is not null) then
    perform pgflow._keep_held(_requeue.run_ids);
  end if;
  perform pgflow._notify(v_again.flow_slugs, null);
  return v_again.task_count;
end;
$$;
