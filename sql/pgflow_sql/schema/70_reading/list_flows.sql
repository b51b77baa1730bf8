-- for: client
-- The flows this database knows.
create function pgflow.list_flows()
returns table (flow_slug text, created_at timestamptz, step_count int)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    f.flow_slug, f.created_at,
    (select count(*)::int from pgflow.steps s where s.flow_slug = f.flow_slug)
  from pgflow.flows f
  order by f.flow_slug;
end;
$$;
