-- Fires timers of one kind of which one raises, each for itself. One that raises alone is kept, with the error and
-- a later time: after 2 s, 4 s, ... an hour at most. Returns how many that were.
create function pgflow._fire_one_by_one(kind text, timer_ids bigint[])
returns int
language plpgsql
as $$
declare
  v_timer_id bigint;
  v_failed_count int := 0;
begin
  foreach v_timer_id in array _fire_one_by_one.timer_ids loop
    begin
      perform pgflow._fire(_fire_one_by_one.kind, array[v_timer_id]);
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
      v_failed_count := v_failed_count + 1;
      update pgflow.timers t
      set failures = t.failures + 1,
          error_message = left(format('%s (%s)', sqlerrm, sqlstate), 2000),
          due_at = clock_timestamp()
            + make_interval(secs => least(power(2::double precision, least(t.failures + 1, 20)), 3600))
      where t.timer_id = v_timer_id;
    end;
  end loop;
  return v_failed_count;
end;
$$;
