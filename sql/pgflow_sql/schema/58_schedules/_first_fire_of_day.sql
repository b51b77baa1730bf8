-- The first instant after a time at which a cron expression fires on one day of its zone; null: none.
-- With every hour real time counts: what clocks repeat is there twice, what they skip is not there. With given hours each
-- time they show counts once: of two the first, and one that they skip at the end of the gap.
create function pgflow._first_fire_of_day(spec jsonb, day date, after timestamptz)
returns timestamptz
language plpgsql
stable
as $$
declare
  c_every_hour constant int := 16777215;
  v_minutes constant bigint := (spec ->> 'minutes')::bigint;
  v_hours constant int := (spec ->> 'hours')::int;
  v_zone constant text := spec ->> 'timezone';
  v_now constant timestamp := after at time zone v_zone;  -- what it shows, and all before it, has been shown by then
  v_shown timestamp;
  v_at timestamptz;
  v_end timestamptz;
begin
  if v_hours = c_every_hour then
    v_at := greatest(
      pgflow._wall_time(day, v_zone) - interval '3 hours', date_trunc('minute', after, 'UTC') + interval '1 minute'
    );
    v_end := pgflow._wall_time(day + 1, v_zone) + interval '3 hours';
    while v_at < v_end loop
      v_shown := v_at at time zone v_zone;
      if v_minutes >> extract(minute from v_shown)::int & 1 = 1 and v_shown::date = day then
        return v_at;
      end if;
      v_at := v_at + interval '1 minute';
    end loop;
    return null;
  end if;

  for v_hour in 0 .. 23 loop
    continue when v_hours >> v_hour & 1 = 0 or day + make_interval(hours => v_hour + 1) <= v_now;
    for v_minute in 0 .. 59 loop
      v_shown := day + make_interval(hours => v_hour, mins => v_minute);
      continue when v_minutes >> v_minute & 1 = 0 or v_shown <= v_now;
      v_at := pgflow._wall_time(v_shown, v_zone);
      if v_at > after then
        return v_at;
      end if;
    end loop;
  end loop;
  return null;
end;
$$;
