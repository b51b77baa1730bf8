-- for: migrate, operator
-- Starts runs of a flow by the clock, or changes how. A schedule belongs to all versions of its flow, and starts the one
-- that created it last; a pause and the last fire survive. spec:
--   minutes, hours, days, months, weekdays   bits that are set: minute 0 to 59, hour 0 to 23, day 1 to 31, month 1 to 12,
--                       weekday 0 (Sunday) to 6
--   day_or, cron        whether a day of the month or of the week is enough; the expression itself, to be shown
--   every               instead of all these: seconds; it fires at their multiples since 1970, in UTC
--   timezone            of the expression and of dates
--   overlap             allow | skip | queue | cancel_other: what a fire does while a run of the schedule is under way
--   catch_up            none | latest | all: what becomes of fires that nobody saw to in time; none: not if they are more
--                       than a minute late
--   dates, times        paths of the input: where the date of the fire stands, in the zone, or its time, in UTC
-- Raises PF001 for an unknown flow, PF011 for a spec that is none.
create function pgflow.create_schedule(flow_slug text, schedule_slug text, spec jsonb, input jsonb)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_family constant text := pgflow._family(create_schedule.flow_slug);
  v_before record;
  v_next timestamptz;
begin
  perform pgflow._check_flows(array[create_schedule.flow_slug]);
  perform pgflow._check_schedule(create_schedule.spec);

  insert into pgflow.schedules as s (family, schedule_slug, flow_slug, spec, input)
  values (
    v_family, create_schedule.schedule_slug, create_schedule.flow_slug, create_schedule.spec, create_schedule.input
  )
  on conflict on constraint schedules_pkey do nothing;
  select s.spec, s.is_paused, s.next_fire, s.last_fire into v_before
  from pgflow.schedules s
  where s.family = v_family and s.schedule_slug = create_schedule.schedule_slug
  for update;

  -- the same times go on where they are, with what nobody has seen to yet
  v_next := case when v_before.spec - 'cron' = create_schedule.spec - 'cron' then v_before.next_fire end;
  if v_next is null and not v_before.is_paused then
    v_next := pgflow._next_fire(create_schedule.spec, greatest(v_before.last_fire, clock_timestamp()));
  end if;
  update pgflow.schedules s
  set flow_slug = create_schedule.flow_slug, spec = create_schedule.spec, input = create_schedule.input,
      next_fire = v_next
  where s.family = v_family and s.schedule_slug = create_schedule.schedule_slug;
  perform pgflow._set_schedule_timer(v_family, create_schedule.schedule_slug, create_schedule.flow_slug, v_next);
end;
$$;
