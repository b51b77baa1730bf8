-- Lets the started steps without a handler of these retried runs wait again: sleeps until they would have been over, but
-- no sooner than their run goes on (after delays[i] seconds), signals with their deadline afresh. Callers hold the runs.
create function pgflow._wait_again(run_ids uuid[], delays double precision[])
returns void
language plpgsql
as $$
declare
  v_waits record;
begin
  select array_agg(s.run_id) as run_ids, array_agg(s.step_slug) as step_slugs into v_waits
  from unnest(_wait_again.run_ids) i(run_id)
  cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
  cross join lateral (
    select l.kind from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = s.step_slug limit 1
  ) st
  where s.status = 'started' and st.kind in ('signal', 'sleep');
  if v_waits.run_ids is null then
    return;
  end if;

  perform pgflow._note_waits(
    array_agg(w.flow_slug), array_agg(w.run_id), array_agg(w.step_slug), array_agg(w.kind),
    array_agg(case w.kind
      when 'signal' then w.due_at + make_interval(secs => i.delay)
      else greatest(w.due_at, clock_timestamp() + make_interval(secs => i.delay))
    end),
    array_agg(w.key)
  )
  from pgflow._waits(v_waits.run_ids, v_waits.step_slugs) w
  join unnest(_wait_again.run_ids, _wait_again.delays) i(run_id, delay) on i.run_id = w.run_id;
end;
$$;
