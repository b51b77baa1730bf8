-- The started steps without a handler, of started runs, that these timers are about, what was due first first.
create function pgflow._waiting_for(timer_ids bigint[], out run_ids uuid[], out step_slugs text[])
language plpgsql
as $$
begin
  select array_agg(s.run_id order by t.due_at, t.timer_id), array_agg(s.step_slug order by t.due_at, t.timer_id)
  into run_ids, step_slugs
  from (select * from pgflow.timers l where l.timer_id = any(timer_ids) and l.task_index is null offset 0) t
  cross join lateral (select l.status from pgflow.runs l where l.run_id = t.run_id limit 1) r
  cross join lateral (
    select * from pgflow.step_states l where l.run_id = t.run_id and l.step_slug = t.step_slug limit 1
  ) s
  where r.status = 'started' and s.status = 'started';
end;
$$;
