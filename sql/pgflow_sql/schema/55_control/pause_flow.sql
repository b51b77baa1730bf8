-- for: operator
-- Pauses a flow: runs start, timers and schedules go on, what workers are at counts, but no task of it is begun until
-- it is resumed. Returns whether that changed anything. Raises PF001 for an unknown flow.
create function pgflow.pause_flow(flow_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return pgflow._set_paused(pause_flow.flow_slug, true, pause_flow.actor);
end;
$$;
