-- The instant at which a zone's clocks show a time: the first of two, and where they skip it, the end of the gap.
create function pgflow._wall_time(shown timestamp, timezone text)
returns timestamptz
language plpgsql
stable
as $$
declare
  v_as_utc constant timestamptz := shown at time zone 'UTC';
  v_before constant interval := pgflow._utc_offset(v_as_utc - interval '1 day', timezone);
  v_at timestamptz := v_as_utc - v_before;
begin
  if v_at at time zone timezone = shown then
    return v_at;
  end if;
  v_at := v_as_utc - pgflow._utc_offset(v_as_utc + interval '1 day', timezone);
  if v_at at time zone timezone = shown then
    return v_at;
  end if;
  -- in a gap, or between two changes within two days: the first instant at which the clocks show that or more
  return (
    select g.at
    from generate_series(v_as_utc - interval '30 hours', v_as_utc + interval '30 hours', interval '1 minute') g(at)
    where g.at at time zone timezone >= shown
    order by g.at
    limit 1
  );
end;
$$;
