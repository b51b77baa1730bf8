-- Exhausts the loops and subflows of these timers that have not ended, also between two rounds; children that are under way
-- are cancelled. Where a failure is a value each task of a map has its own, else one is the step's.
create function pgflow._fire_loop_deadlines(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_late record;
  v_parents record;
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(t.flow_slug) as flow_slugs, array_agg(t.run_id) as run_ids, array_agg(t.step_slug) as step_slugs,
    array_agg(t.task_index) as task_indexes, array_agg(t.message_id) as msg_ids,
    array_agg(t.run_id) filter (where t.waits_for = 'child') as parent_ids,
    array_agg(t.step_slug) filter (where t.waits_for = 'child') as parent_step_slugs,
    array_agg(format('timed out after %s s', d.payload ->> 'seconds')) as messages
  into v_late
  from (
    select l.flow_slug, l.run_id, l.step_slug, l.payload
    from pgflow.timers l
    where l.timer_id = any(timer_ids) and l.task_index is not null
    order by l.due_at, l.timer_id
  ) d
  cross join lateral (select l.status from pgflow.runs l where l.run_id = d.run_id limit 1) r
  cross join lateral (
    select l.status from pgflow.step_states l where l.run_id = d.run_id and l.step_slug = d.step_slug limit 1
  ) s
  cross join lateral (
    select l.when_exhausted
    from pgflow.steps l
    where l.flow_slug = d.flow_slug and l.step_slug = d.step_slug
    limit 1
  ) st
  cross join lateral (
    select *
    from pgflow.step_tasks l
    where l.run_id = d.run_id and l.step_slug = d.step_slug and l.status in ('queued', 'started')
    order by l.task_index
    limit case st.when_exhausted when 'value' then null else 1 end
  ) t
  where r.status = 'started' and s.status = 'started';
  if v_late.run_ids is null then
    return;
  end if;

  -- Messages before tasks: whoever claims has a message when it asks for the task's row.
  perform pgflow._archive(v_late.flow_slugs, v_late.msg_ids);
  perform pgflow._note_under_way(v_late.run_ids, v_late.step_slugs);  -- what they do yet may have to be undone
  update pgflow.step_tasks t
  set status = 'started', started_at = greatest(now(), t.queued_at), waits_for = null
  from (
    select *
    from unnest(v_late.run_ids, v_late.step_slugs, v_late.task_indexes) g(run_id, step_slug, task_index)
    limit v_all
  ) l
  where t.run_id = l.run_id and t.step_slug = l.step_slug and t.task_index = l.task_index and t.status = 'queued';
  delete from pgflow.timers i
  using unnest(v_late.run_ids, v_late.step_slugs) l(run_id, step_slug)
  where i.run_id = l.run_id and i.step_slug = l.step_slug and i.kind <> 'cancel_children';

  if v_late.parent_ids is not null then
    select array_agg(p.run_id) as run_ids, array_agg(p.step_slug) as step_slugs into v_parents
    from (select distinct u.run_id, u.step_slug from unnest(v_late.parent_ids, v_late.parent_step_slugs) u(run_id, step_slug)) p;
    perform pgflow._set_children_timers('cancel_children', v_parents.run_ids, v_parents.step_slugs);
  end if;
  perform 1 from pgflow._fail(
    array_fill(null::uuid, array[cardinality(v_late.run_ids)]), v_late.run_ids, v_late.step_slugs, v_late.task_indexes,
    array_fill(null::int, array[cardinality(v_late.run_ids)]), v_late.messages,
    array_fill(false, array[cardinality(v_late.run_ids)]), null, false
  );
  perform pgflow._notify_control(v_late.flow_slugs);
end;
$$;
