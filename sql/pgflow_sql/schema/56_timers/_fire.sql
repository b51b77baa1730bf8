-- Fires timers of one kind, or hands over children that have ended ('ended'), all or nothing, and removes them. Callers hold
-- their runs and the timers.
create function pgflow._fire(kind text, timer_ids bigint[])
returns void
language plpgsql
as $$
begin
  if _fire.kind = 'ended' then
    perform pgflow._fire_ended_children(_fire.timer_ids);
    return;
  end if;
  case _fire.kind
    when 'run_timeout' then perform pgflow._fire_run_timeouts(_fire.timer_ids);
    when 'wait' then perform pgflow._fire_waits(_fire.timer_ids);
    when 'sleep' then perform pgflow._fire_sleeps(_fire.timer_ids);
    when 'deadline' then
      perform pgflow._fire_deadlines(_fire.timer_ids);
      perform pgflow._fire_loop_deadlines(_fire.timer_ids);
    when 'begin' then perform pgflow._fire_begins(_fire.timer_ids);
    when 'companions' then perform pgflow._fire_companions(_fire.timer_ids);
    else perform pgflow._fire_children_timers(_fire.kind, _fire.timer_ids);
  end case;
  delete from pgflow.timers t where t.timer_id = any(_fire.timer_ids);
end;
$$;
