-- for: migrate, operator
-- Ends a schedule that this version of its flow has created; its runs go on. Returns whether there was one.
create function pgflow.drop_schedule(flow_slug text, schedule_slug text)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_family constant text := pgflow._family(drop_schedule.flow_slug);
begin
  delete from pgflow.schedules s
  where s.family = v_family and s.schedule_slug = drop_schedule.schedule_slug and s.flow_slug = drop_schedule.flow_slug;
  if not found then
    return false;
  end if;
  perform pgflow._set_schedule_timer(v_family, drop_schedule.schedule_slug, drop_schedule.flow_slug, null);
  return true;
end;
$$;
