-- for: operator
-- Pauses a schedule: it does not fire, and what it misses is not caught up on. Returns whether that changed anything.
-- Raises PF001 where there is none.
create function pgflow.pause_schedule(flow_slug text, schedule_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule constant pgflow.schedules := pgflow._locked_schedule(pause_schedule.flow_slug, pause_schedule.schedule_slug);
begin
  perform pgflow._note_action(
    'pause_schedule', pause_schedule.actor, v_schedule.flow_slug, null, null,
    jsonb_build_object('schedule', v_schedule.schedule_slug, 'changed', not v_schedule.is_paused)
  );
  if v_schedule.is_paused then
    return false;
  end if;
  update pgflow.schedules s
  set is_paused = true, next_fire = null
  where s.family = v_schedule.family and s.schedule_slug = v_schedule.schedule_slug;
  perform pgflow._set_schedule_timer(v_schedule.family, v_schedule.schedule_slug, v_schedule.flow_slug, null);
  return true;
end;
$$;
