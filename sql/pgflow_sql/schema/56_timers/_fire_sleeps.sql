-- Completes the sleeps of these timers; those that have ended some other way meanwhile are left alone.
create function pgflow._fire_sleeps(timer_ids bigint[])
returns void
language plpgsql
as $$
declare
  v_over record;
begin
  select * into v_over from pgflow._waiting_for(timer_ids);
  if v_over.run_ids is not null then
    perform pgflow._end_waits(
      v_over.run_ids, v_over.step_slugs, array_fill(null::jsonb, array[cardinality(v_over.run_ids)])
    );
  end if;
end;
$$;
