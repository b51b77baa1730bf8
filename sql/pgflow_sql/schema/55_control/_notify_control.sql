-- Tells workers of these flows that tasks they are at may count no more: a hint to look, which every worker listens
-- for. Equal ones of one transaction become one.
create function pgflow._notify_control(flow_slugs text[])
returns void
language plpgsql
as $$
begin
  perform pg_notify('pgflow_control', f.slug)
  from (select distinct u.slug from unnest(_notify_control.flow_slugs) u(slug) where u.slug is not null) f;
end;
$$;
