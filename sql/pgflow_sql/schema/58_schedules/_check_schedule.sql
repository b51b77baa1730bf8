-- Refuses a spec that says no schedule (see create_schedule), in words.
create function pgflow._check_schedule(spec jsonb)
returns void
language plpgsql
stable
as $$
declare
  v_mask record;
  v_key text;
begin
  perform pgflow._known_options('schedule', spec, array[
    'cron', 'minutes', 'hours', 'days', 'months', 'weekdays', 'day_or', 'every', 'timezone', 'overlap', 'catch_up',
    'dates', 'times'
  ]);
  if (spec ? 'every') = (spec ? 'minutes') then
    raise exception 'A schedule has either "every" or the masks of a cron expression'
      using errcode = 'PF011', hint = 'Pass {"every": seconds}, or minutes, hours, days, months and weekdays.';
  end if;
  if spec ? 'every' and not pgflow._is_whole(spec -> 'every', 1, 31536000) then
    raise exception 'every must be a whole number of seconds from 1 to 31,536,000, not %', left(spec ->> 'every', 100)
      using errcode = 'PF011', hint = 'Rare fires are better said as a cron expression.';
  end if;
  if spec ? 'minutes' then
    for v_mask in
      select m.key, m.least, m.most
      from (values
        ('minutes', 1, 1152921504606846975), ('hours', 1, 16777215), ('days', 2, 4294967294), ('months', 2, 8190),
        ('weekdays', 1, 127)
      ) m(key, least, most)
      where case jsonb_typeof(spec -> m.key)
        when 'number' then
          (spec ->> m.key)::numeric not between m.least and m.most or (spec ->> m.key)::numeric % 1 <> 0
          or m.least = 2 and (spec ->> m.key)::numeric % 2 = 1
        else true
      end
    loop
      raise exception '% is no mask of a cron expression: %', v_mask.key, coalesce(left(spec ->> v_mask.key, 100), 'missing')
        using errcode = 'PF011', hint = format('Pass a whole number from %s to %s.', v_mask.least, v_mask.most);
    end loop;
    if jsonb_typeof(spec -> 'day_or') is distinct from 'boolean' then
      raise exception 'day_or must be true or false, not %', coalesce(left(spec ->> 'day_or', 100), 'missing')
        using errcode = 'PF011', hint = 'It says whether a day of the month or of the week is enough.';
    end if;
  end if;
  if not exists (select 1 from pg_timezone_names z where z.name = spec ->> 'timezone') then
    raise exception 'The server knows no time zone "%"', coalesce(left(spec ->> 'timezone', 100), 'null')
      using errcode = 'PF011', hint = 'select name from pg_timezone_names lists those it knows.';
  end if;
  if (spec ->> 'overlap' in ('allow', 'skip', 'queue', 'cancel_other')) is not true then
    raise exception 'overlap must be allow, skip, queue or cancel_other, not %', coalesce(left(spec ->> 'overlap', 100), 'missing')
      using errcode = 'PF011', hint = 'It says what a fire does while a run of the schedule is under way.';
  end if;
  if (spec ->> 'catch_up' in ('none', 'latest', 'all')) is not true then
    raise exception 'catch_up must be none, latest or all, not %', coalesce(left(spec ->> 'catch_up', 100), 'missing')
      using errcode = 'PF011', hint = 'It says what becomes of fires that nobody saw to in time.';
  end if;
  foreach v_key in array array['dates', 'times'] loop
    if spec ? v_key and (jsonb_typeof(spec -> v_key) <> 'array' or exists (
      select 1
      from jsonb_array_elements(case jsonb_typeof(spec -> v_key) when 'array' then spec -> v_key else '[]' end) p(path)
      where jsonb_typeof(p.path) <> 'array'
    )) then
      raise exception '% must be a list of paths, not %', v_key, left(spec ->> v_key, 100)
        using errcode = 'PF011', hint = 'A path is a list of keys of the input, as in ["order", "day"].';
    end if;
  end loop;
  if pgflow._next_fire(spec, now()) is null then
    raise exception 'The schedule would never fire: %', coalesce(left(spec ->> 'cron', 200), 'its masks name no day there is')
      using errcode = 'PF011', hint = 'There is no 30 February.';
  end if;
end;
$$;
