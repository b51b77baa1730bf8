-- for: client
-- The schedules of a flow, all of its versions (null: of all flows), by flow and slug. next_fire is null while one is
-- paused; last_outcome is of the last fire: started, skipped (a run was under way), missed (it was too late), queued (it
-- waits for a run), or failed, then error_message says why and it is tried again.
create function pgflow.list_schedules(only_flow text default null)
returns table (
  flow_slug text,
  schedule_slug text,
  spec jsonb,
  is_paused boolean,
  last_fire timestamptz,
  next_fire timestamptz,
  last_run_id uuid,
  last_outcome text,
  input jsonb,
  error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select s.flow_slug, s.schedule_slug, s.spec, s.is_paused, s.last_fire, s.next_fire, s.last_run_id,
    case when t.failures > 0 then 'failed' else s.last_outcome end, s.input, t.error_message
  from pgflow.schedules s
  left join lateral (
    select i.failures, i.error_message
    from pgflow.timers i
    where i.kind = 'schedule' and i.run_id is null
      and i.payload = jsonb_build_object('family', s.family, 'schedule', s.schedule_slug)
    limit 1
  ) t on true
  where list_schedules.only_flow is null or s.family = pgflow._family(list_schedules.only_flow)
  order by s.family collate "C", s.schedule_slug collate "C";
end;
$$;
