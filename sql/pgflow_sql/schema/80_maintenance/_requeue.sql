-- Puts stalled tasks (keys) back into their queues, three times at most; the fourth time it marks them stalled
-- for good and archives their messages. Callers have established that they are stalled and hold their runs'
-- locks. Returns how many were requeued.
create function pgflow._requeue(run_ids uuid[], step_slugs text[], task_indexes int[])
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
    set permanently_stalled_at = now()
    from (
      select *
      from unnest(_requeue.run_ids, _requeue.step_slugs, _requeue.task_indexes) g(run_id, step_slug, task_index)
      limit v_all
    ) k
    where t.run_id = k.run_id
      and t.step_slug = k.step_slug
      and t.task_index = k.task_index
      and t.status = 'started'
      and t.requeued_count >= 3
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
    array_agg(r.flow_slug) as flow_slugs, array_agg(r.message_id) as msg_ids, array_agg(0) as vt_offsets,
    count(*)::int as task_count
  into v_again
  from requeued r;

  perform pgflow._archive(v_over.flow_slugs, v_over.msg_ids);
  perform pgflow._set_visibility(v_again.flow_slugs, v_again.msg_ids, v_again.vt_offsets);
  perform pgflow._notify(v_again.flow_slugs, null);
  return v_again.task_count;
end;
$$;
