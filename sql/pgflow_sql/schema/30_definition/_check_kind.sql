-- Refuses what no step of a kind can be: a map without a handler or of loops, a map over what is no array. array_slug:
-- the dependency that a map goes over.
create function pgflow._check_kind(flow_slug text, step_slug text, kind text, step_type text, array_slug text)
returns void
language plpgsql
as $$
begin
  if kind not in ('task', 'subflow') and step_type <> 'single' then
    raise exception 'Step "%" cannot be a map: it is a %', step_slug, kind
      using errcode = 'PF011', hint = 'Leave step_type out.';
  end if;
  if array_slug is not null and exists (
    select 1
    from pgflow.steps s
    where s.flow_slug = _check_kind.flow_slug and s.step_slug = array_slug and s.kind = 'sleep'
  ) then
    raise exception 'Map step "%" cannot go over "%", a sleep', step_slug, array_slug
      using errcode = 'PF011', hint = 'A sleep has no output: let the map go over another step.';
  end if;
  if array_slug is not null and exists (
    select 1
    from pgflow.steps s
    where s.flow_slug = _check_kind.flow_slug and s.step_slug = array_slug and s.kind = 'subflow'
      and s.step_type = 'single'
  ) then
    raise exception 'Map step "%" cannot go over "%", the output of a run', step_slug, array_slug
      using errcode = 'PF011', hint = 'A run''s output is an object: let the map go over a list that a step takes from it.';
  end if;
end;
$$;
