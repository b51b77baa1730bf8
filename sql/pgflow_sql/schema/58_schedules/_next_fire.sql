-- When a schedule fires next after a time; null: never. By seconds: at multiples of so many since 1970, in UTC.
create function pgflow._next_fire(spec jsonb, after timestamptz)
returns timestamptz
language plpgsql
stable
as $$
declare
  c_days constant int := 15000;  -- 29 February on a certain day of the week is there every forty years at least
  v_every constant numeric := (spec ->> 'every')::numeric;
  v_days constant bigint := (spec ->> 'days')::bigint;
  v_months constant int := (spec ->> 'months')::int;
  v_weekdays constant int := (spec ->> 'weekdays')::int;
  v_is_or constant boolean := (spec ->> 'day_or')::boolean;
  v_today constant date := (after at time zone (spec ->> 'timezone'))::date;
  v_day date;
  v_is_day boolean;
  v_is_weekday boolean;
  v_fire timestamptz;
begin
  if v_every is not null then
    return to_timestamp((floor(extract(epoch from after) / v_every) + 1) * v_every);
  end if;

  -- from the day before on: clocks that are turned back at midnight show it again
  for v_number in -1 .. c_days loop
    v_day := v_today + v_number;
    continue when v_months >> extract(month from v_day)::int & 1 = 0;
    v_is_day := v_days >> extract(day from v_day)::int & 1 = 1;
    v_is_weekday := v_weekdays >> extract(dow from v_day)::int & 1 = 1;
    continue when not (v_is_day and v_is_weekday or v_is_or and (v_is_day or v_is_weekday));
    -- for the same reason a day may begin before the one before has ended
    exit when v_fire < pgflow._wall_time(v_day, spec ->> 'timezone');
    v_fire := least(v_fire, pgflow._first_fire_of_day(spec, v_day, after));
  end loop;
  return v_fire;
end;
$$;
