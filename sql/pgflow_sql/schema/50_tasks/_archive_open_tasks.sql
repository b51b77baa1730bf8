-- Archives the messages of all queued and started tasks and removes their timers: of whole runs (step_slugs is null)
-- or of the given steps (pairs); tells the workers that are at them, and has the children cancelled that they wait for. The
-- rows of the tasks keep their status.
create function pgflow._archive_open_tasks(run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
declare
  v_open record;
begin
  if step_slugs is null then
    select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids,
      array_agg(distinct t.flow_slug) filter (where t.status = 'started') as busy_flow_slugs,
      array_agg(distinct t.run_id) filter (where t.waits_for = 'child') as parent_ids
    into v_open
    from pgflow.step_tasks t
    where t.run_id = any(_archive_open_tasks.run_ids) and t.status in ('queued', 'started');
  else
    select array_agg(t.flow_slug) as flow_slugs, array_agg(t.message_id) as msg_ids,
      array_agg(distinct t.flow_slug) filter (where t.status = 'started') as busy_flow_slugs,
      array_agg(distinct t.run_id) filter (where t.waits_for = 'child') as parent_ids
    into v_open
    from unnest(_archive_open_tasks.run_ids, _archive_open_tasks.step_slugs) p(run_id, step_slug)
    cross join lateral (
      select * from pgflow.step_tasks l where l.run_id = p.run_id and l.step_slug = p.step_slug offset 0
    ) t
    where t.status in ('queued', 'started');
  end if;
  perform pgflow._archive(v_open.flow_slugs, v_open.msg_ids);
  perform pgflow._drop_timers(_archive_open_tasks.run_ids, _archive_open_tasks.step_slugs);
  if v_open.parent_ids is not null then
    perform pgflow._set_children_timers('cancel_children', v_open.parent_ids);
  end if;
  perform pgflow._notify_control(v_open.busy_flow_slugs);
end;
$$;
