-- These steps of a flow and all that depend on them, directly or not.
create function pgflow._steps_behind(flow_slug text, step_slugs text[])
returns text[]
language plpgsql
as $$
begin
  return array(
    with recursive behind(step_slug) as (
      select g.step_slug from unnest(_steps_behind.step_slugs) g(step_slug)
      union
      select d.step_slug
      from behind b
      join pgflow.deps d on d.flow_slug = _steps_behind.flow_slug and d.dep_slug = b.step_slug
    )
    select b.step_slug from behind b order by b.step_slug
  );
end;
$$;
