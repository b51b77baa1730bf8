-- for: operator
-- Starts a run of a schedule now, whatever it is at, also while it is paused; when it fires next stays as it is. Returns
-- the run. Raises PF001 where there is none.
create function pgflow.fire_schedule(flow_slug text, schedule_slug text, actor text default null)
returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule constant pgflow.schedules := pgflow._locked_schedule(fire_schedule.flow_slug, fire_schedule.schedule_slug);
  v_run_id constant uuid := pgflow._start_scheduled(v_schedule, clock_timestamp());
begin
  update pgflow.schedules s
  set last_run_id = v_run_id, last_outcome = 'started'
  where s.family = v_schedule.family and s.schedule_slug = v_schedule.schedule_slug;
  perform pgflow._note_action(
    'fire_schedule', fire_schedule.actor, v_schedule.flow_slug, array[v_run_id], array['started'],
    jsonb_build_object('schedule', v_schedule.schedule_slug)
  );
  return v_run_id;
end;
$$;
