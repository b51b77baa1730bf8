-- The children that ended first and are due, read without locks, at most max_count, with their parents, and the parent
-- of the first. is_whole: below the floor too (_due_timers).
create function pgflow._due_children(
  max_count int, is_whole boolean, out ended_ids bigint[], out run_ids uuid[], out first_run_id uuid
)
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();  -- a variable, so that the index is read up to here and no further
  v_floor timestamptz := (select f.ended_due_at from pgflow.timer_floor f where f.is_only);
begin
  select array_agg(d.ended_id), array_agg(distinct d.run_id), (array_agg(d.run_id order by d.due_at, d.ended_id))[1]
  into ended_ids, run_ids, first_run_id
  from (
    select e.ended_id, e.run_id, e.due_at
    from pgflow.ended_children e
    where e.due_at >= case when _due_children.is_whole or v_floor is null then '-infinity' else v_floor end
      and e.due_at <= v_now
      and (e.tried_at is null or e.tried_at < v_now - interval '200 milliseconds')
    order by e.due_at, e.ended_id
    limit _due_children.max_count
  ) d;
end;
$$;
