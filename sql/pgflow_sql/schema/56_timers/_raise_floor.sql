-- Moves the floor up to the timers, and the ended children, that are left, but never to within 15 seconds of now: that long
-- a transaction that writes one may take to commit. Not more often than every five seconds, as the row is read at each look.
-- is_whole: somebody has just looked below it.
create function pgflow._raise_floor(is_whole boolean)
returns void
language plpgsql
as $$
declare
  v_floor timestamptz;
  v_ended_floor timestamptz;
  v_first timestamptz;
  v_first_ended timestamptz;
begin
  select f.due_at, f.ended_due_at into v_floor, v_ended_floor from pgflow.timer_floor f where f.is_only;
  if least(v_floor, v_ended_floor) > clock_timestamp() - interval '20 seconds' and not is_whole then
    return;
  end if;
  select t.due_at into v_first
  from pgflow.timers t
  where t.due_at >= case when is_whole or v_floor is null then '-infinity' else v_floor end
  order by t.due_at, t.timer_id
  limit 1;
  select e.due_at into v_first_ended
  from pgflow.ended_children e
  where e.due_at >= case when is_whole or v_ended_floor is null then '-infinity' else v_ended_floor end
  order by e.due_at, e.ended_id
  limit 1;
  insert into pgflow.timer_floor as f (due_at, ended_due_at, looked_at)
  values (
    least(v_first, clock_timestamp() - interval '15 seconds'),
    least(v_first_ended, clock_timestamp() - interval '15 seconds'), clock_timestamp()
  )
  on conflict on constraint timer_floor_pkey do update
  set due_at = excluded.due_at,
      ended_due_at = excluded.ended_due_at,
      looked_at = case when _raise_floor.is_whole then excluded.looked_at else f.looked_at end;
end;
$$;
