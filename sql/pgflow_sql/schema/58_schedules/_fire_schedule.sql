-- Sees to what a schedule has to do now. A fire that has to wait for another run is looked at again every few seconds.
-- Callers hold the schedule.
create function pgflow._fire_schedule(schedule pgflow.schedules)
returns void
language plpgsql
as $$
declare
  c_patience constant interval := '5 seconds';
  v_overlap constant text := (schedule).spec ->> 'overlap';
  v_due record;
  v_fire timestamptz;
  v_open uuid[];
  v_run_id uuid;
  v_outcome text;
  v_next timestamptz;
begin
  select d.fires, d.next_fire into v_due from pgflow._due_fires(schedule) d;
  v_next := v_due.next_fire;
  foreach v_fire in array coalesce(v_due.fires, '{}') loop
    v_run_id := null;
    v_outcome := 'missed';
    if v_fire is not null then
      v_open := case when v_overlap <> 'allow' then pgflow._open_scheduled(schedule) end;
      if v_open is not null and v_overlap = 'queue' then
        v_next := case (schedule).spec ->> 'catch_up' when 'all' then v_fire else (schedule).next_fire end;
        v_outcome := 'queued';
      elsif v_open is not null and v_overlap = 'skip' then
        v_outcome := 'skipped';
      else
        if v_open is not null then
          perform 1 from pgflow._cancel_asked(
            v_open, format('the schedule "%s" has started another run', (schedule).schedule_slug),
            format('schedule %s', (schedule).schedule_slug), null
          );
        end if;
        v_run_id := pgflow._start_scheduled(schedule, v_fire);
        v_outcome := 'started';
      end if;
    end if;
    update pgflow.schedules s
    set last_outcome = v_outcome,
        last_fire = case when v_outcome = 'queued' then s.last_fire else coalesce(v_fire, s.last_fire) end,
        last_run_id = coalesce(v_run_id, s.last_run_id)
    where s.family = (schedule).family and s.schedule_slug = (schedule).schedule_slug;
    exit when v_outcome = 'queued';
  end loop;

  update pgflow.schedules s
  set next_fire = v_next
  where s.family = (schedule).family and s.schedule_slug = (schedule).schedule_slug;
  perform pgflow._set_schedule_timer(
    (schedule).family, (schedule).schedule_slug, (schedule).flow_slug,
    case v_outcome when 'queued' then clock_timestamp() + c_patience else v_next end
  );
end;
$$;
