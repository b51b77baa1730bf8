-- for: client
-- The flows this database knows.
create function pgflow.list_flows()
returns table (flow_slug text, created_at timestamptz, step_count int, is_paused boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    f.flow_slug, f.created_at,
    (select count(*)::int from pgflow.steps s where s.flow_slug = f.flow_slug),
    coalesce(p.is_paused, false)
  from pgflow.flows f
  left join pgflow.prepared_flows p on p.flow_slug = f.flow_slug
  order by f.flow_slug;
end;
$$;
