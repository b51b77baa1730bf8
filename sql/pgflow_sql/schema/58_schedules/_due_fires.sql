-- Which of a schedule's fires are to be seen to, at most a hundred, and when it fires next after them. Of those that are
-- due all count, or the last one; with catch_up none that is passed over (null) where nobody saw to it within a minute,
-- unless it waited for another run.
create function pgflow._due_fires(
  schedule pgflow.schedules, out fires timestamptz[], out next_fire timestamptz
)
language plpgsql
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_fire timestamptz := (schedule).next_fire;
begin
  if v_fire > v_now then  -- the server's clock was set back, or this was looked at for another reason
    next_fire := v_fire;
    return;
  end if;
  if (schedule).spec ->> 'catch_up' = 'all' then
    while v_fire <= v_now and coalesce(cardinality(fires), 0) < 100 loop
      fires := fires || v_fire;
      v_fire := pgflow._next_fire((schedule).spec, v_fire);
    end loop;
    next_fire := v_fire;
    return;
  end if;
  v_fire := pgflow._last_fire((schedule).spec, v_fire, v_now);
  next_fire := pgflow._next_fire((schedule).spec, v_fire);
  fires := array[case
    when (schedule).spec ->> 'catch_up' = 'latest' or (schedule).last_outcome = 'queued'
      or v_fire > v_now - interval '1 minute'
      then v_fire
  end];
end;
$$;
