-- for: operator
-- Ends what pause_flow began. Returns whether that changed anything. Raises PF001 for an unknown flow.
create function pgflow.resume_flow(flow_slug text, actor text default null)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return pgflow._set_paused(resume_flow.flow_slug, false, resume_flow.actor);
end;
$$;
