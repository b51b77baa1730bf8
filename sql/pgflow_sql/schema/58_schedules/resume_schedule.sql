-- for: operator
-- Lets a paused schedule fire again, from now on. Returns whether that changed anything. Raises PF001 where there is none.
create function pgflow.resume_schedule(flow_slug text, schedule_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schedule constant pgflow.schedules := pgflow._locked_schedule(resume_schedule.flow_slug, resume_schedule.schedule_slug);
  v_next timestamptz;
begin
  perform pgflow._note_action(
    'resume_schedule', resume_schedule.actor, v_schedule.flow_slug, null, null,
    jsonb_build_object('schedule', v_schedule.schedule_slug, 'changed', v_schedule.is_paused)
  );
  if not v_schedule.is_paused then
    return false;
  end if;
  v_next := pgflow._next_fire(v_schedule.spec, greatest(v_schedule.last_fire, clock_timestamp()));
  update pgflow.schedules s
  set is_paused = false, next_fire = v_next
  where s.family = v_schedule.family and s.schedule_slug = v_schedule.schedule_slug;
  perform pgflow._set_schedule_timer(v_schedule.family, v_schedule.schedule_slug, v_schedule.flow_slug, v_next);
  return true;
end;
$$;
