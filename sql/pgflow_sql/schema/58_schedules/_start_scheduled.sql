-- Starts the run of a fire; null: it was started before, and this one never is. Callers hold the schedule.
create function pgflow._start_scheduled(schedule pgflow.schedules, fire_at timestamptz)
returns uuid
language plpgsql
as $$
declare
  v_run_id constant uuid := pgflow._new_run_id();
begin
  insert into pgflow.origins (run_id, kind, family, schedule_slug, fire_at)
  values (v_run_id, 'schedule', schedule.family, schedule.schedule_slug, fire_at)
  on conflict do nothing;
  if not found then
    return null;
  end if;
  perform 1
  from pgflow.start_flows(
    schedule.flow_slug, array[pgflow._scheduled_input(schedule.spec, schedule.input, fire_at)], array[v_run_id]
  );
  update pgflow.runs r set has_origin = true where r.run_id = v_run_id;
  return v_run_id;
end;
$$;
