-- The first timers that are due, read without locks, at most max_count, those of schedules apart; is_whole: whether it looked below the floor
-- too, as is done every 30 seconds, and after the server's clock was set back.
create function pgflow._due_timers(
  max_count int, out timer_ids bigint[], out run_ids uuid[], out schedule_ids bigint[], out is_whole boolean
)
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();  -- a variable, so that the index is read up to here and no further
  v_floor record;
begin
  select f.due_at, f.looked_at into v_floor from pgflow.timer_floor f where f.is_only;
  is_whole := coalesce(v_floor.looked_at not between v_now - interval '30 seconds' and v_now, false);

  select array_agg(d.timer_id) filter (where d.run_id is not null),
    array_agg(distinct d.run_id) filter (where d.run_id is not null),
    array_agg(d.timer_id) filter (where d.run_id is null)
  into timer_ids, run_ids, schedule_ids
  from (
    select t.timer_id, t.run_id
    from pgflow.timers t
    where t.due_at >= case when is_whole or v_floor.due_at is null then '-infinity' else v_floor.due_at end
      and t.due_at <= v_now
      and (t.tried_at is null or t.tried_at < v_now - interval '200 milliseconds')
    order by t.due_at, t.timer_id
    limit _due_timers.max_count
  ) d;
end;
$$;
