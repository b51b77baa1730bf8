-- The first children, at most max_count, that a timer is about: those under way that nobody waits for (cancel_children), or
-- those that ended badly and are waited for (retry_children). last: of a full page, where the next one begins, as a timer's
-- payload; why: what has become of the run. Callers hold the timer's run.
create function pgflow._children_of(timer pgflow.timers, max_count int, out run_ids uuid[], out last jsonb, out why text)
language plpgsql
as $$
declare
  v_is_cancel constant boolean := (timer).kind = 'cancel_children';
  v_after constant jsonb := (timer).payload;
begin
  with found as (
    select o.run_id, o.step_slug, o.task_index, o.attempt
    from pgflow.origins o
    cross join lateral (select l.status from pgflow.runs l where l.run_id = o.run_id limit 1) c
    where o.kind = 'child' and o.from_run_id = (timer).run_id
      and ((timer).step_slug is null or o.step_slug = (timer).step_slug)
      and (
        v_after is null or (o.step_slug, o.task_index, o.attempt)
          > (v_after ->> 'step_slug', (v_after ->> 'task_index')::int, (v_after ->> 'attempt')::int)
      )
      and case when v_is_cancel then c.status = 'started' else c.status in ('failed', 'cancelled') end
      and pgflow._is_awaited(o.from_run_id, o.step_slug, o.task_index, o.attempt) <> v_is_cancel
    order by o.step_slug, o.task_index, o.attempt
    limit _children_of.max_count
  )
  select array_agg(f.run_id), case when count(*) >= _children_of.max_count then
    to_jsonb((array_agg(jsonb_build_object('step_slug', f.step_slug, 'task_index', f.task_index, 'attempt', f.attempt)))[count(*)])
  end
  into run_ids, last
  from found f;

  why := format('the run %s that started it %s', (timer).run_id, coalesce((
    select case r.status when 'failed' then 'has failed' when 'cancelled' then 'was cancelled' end
    from pgflow.runs r
    where r.run_id = (timer).run_id
  ), 'goes on without it'));
end;
$$;
