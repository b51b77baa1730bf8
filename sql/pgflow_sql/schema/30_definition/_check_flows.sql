create function pgflow._check_flows(flow_slugs text[])
returns void
language plpgsql
as $$
declare
  v_flow_slug text;
begin
  select g.flow_slug into v_flow_slug
  from unnest(_check_flows.flow_slugs) g(flow_slug)
  where not exists (select 1 from pgflow.flows f where f.flow_slug = g.flow_slug)
  limit 1;
  if found then
    raise exception 'Unknown flow "%"', left(v_flow_slug, 200)
      using errcode = 'PF001', hint = 'Apply the migration that defines the flow, or check its slug.';
  end if;
end;
$$;
