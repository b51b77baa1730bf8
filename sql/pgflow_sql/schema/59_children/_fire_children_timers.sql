-- Cancels the children that the runs, or steps, of these timers do not wait for, or retries in place those that failed or
-- were cancelled and are waited for again; of each timer as many as may stay locked until the commit. The rest, and
-- those that somebody else holds, are left to a timer after it: whoever holds a parent never waits for its child.
-- Callers hold the runs.
create function pgflow._fire_children_timers(kind text, timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_most constant int := 1000;
  v_timer pgflow.timers;
  v_page record;
  v_locked uuid[];
begin
  for v_timer in
    select * from pgflow.timers t where t.timer_id = any(timer_ids) order by t.due_at, t.timer_id
  loop
    select * into v_page from pgflow._children_of(v_timer, v_most);
    continue when v_page.run_ids is null;
    select array_agg(l.run_id) into v_locked
    from (
      select r.run_id
      from pgflow.runs r
      where r.run_id = any(v_page.run_ids) and (r.status = 'started') = (_fire_children_timers.kind = 'cancel_children')
      order by r.run_id
      for no key update skip locked
    ) l;
    if v_locked is not null and _fire_children_timers.kind = 'cancel_children' then
      perform pgflow._cancel_runs(v_locked, format('nobody waits for it: %s', v_page.why));
    elsif v_locked is not null then
      v_locked := pgflow._retry_children(v_locked);
    end if;
    if cardinality(v_page.run_ids) > coalesce(cardinality(v_locked), 0) then
      -- the same ones once more: some were held, or had just ended
      insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, payload)
      values (
        clock_timestamp() + interval '100 milliseconds', v_timer.kind, v_timer.flow_slug, v_timer.run_id,
        v_timer.step_slug, v_timer.payload
      );
    elsif v_page.last is not null then
      insert into pgflow.timers (due_at, kind, flow_slug, run_id, step_slug, payload)
      values (clock_timestamp(), v_timer.kind, v_timer.flow_slug, v_timer.run_id, v_timer.step_slug, v_page.last);
    end if;
  end loop;
end;
$$;
