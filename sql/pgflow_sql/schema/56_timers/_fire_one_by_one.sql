-- Fires timers of one kind of which one raises, each for itself. One that raises alone is
-- postponed. What waits for a lock takes time: after five such the rest is left
-- for the next call.
create function pgflow._fire_one_by_one(kind text, timer_ids bigint[], out fired_count int, out failed_count int)
language plpgsql
as $$
declare
  v_timer_id bigint;
  v_locked_count int := 0;
begin
  fired_count := 0;
  failed_count := 0;
  foreach v_timer_id in array _fire_one_by_one.timer_ids loop
    exit when v_locked_count >= 5;
    begin
      perform pgflow._fire(_fire_one_by_one.kind, array[v_timer_id]);
      fired_count := fired_count + 1;
    exception when others then
      failed_count := failed_count + 1;
      v_locked_count := v_locked_count + case sqlstate when '55P03' then 1 else 0 end;
      perform pgflow._postpone(_fire_one_by_one.kind, v_timer_id, format('%s (%s)', sqlerrm, sqlstate));
    end;
  end loop;
end;
$$;
