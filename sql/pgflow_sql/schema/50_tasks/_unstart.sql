-- Takes back the start of tasks (keys) that this transaction started: as if they had not been claimed. Their
-- messages are visible after so many seconds.
create function pgflow._unstart(run_ids uuid[], step_slugs text[], task_indexes int[], seconds int)
returns void
language plpgsql
as $$
declare
  v_open record;
begin
  with open as (
    update pgflow.step_tasks t
    set status = 'queued', started_at = null, attempts_count = t.attempts_count - 1
    from unnest(_unstart.run_ids, _unstart.step_slugs, _unstart.task_indexes) g(run_id, step_slug, task_index)
    where t.run_id = g.run_id and t.step_slug = g.step_slug and t.task_index = g.task_index
    returning t.flow_slug, t.message_id
  )
  select array_agg(o.flow_slug) as flow_slugs, array_agg(o.message_id) as msg_ids,
    array_agg(_unstart.seconds) as delays
  into v_open
  from open o;
  perform pgflow._send_back(v_open.flow_slugs, v_open.msg_ids, v_open.delays);
  if seconds = 0 then
    perform pgflow._notify(v_open.flow_slugs, null);
  end if;
end;
$$;
