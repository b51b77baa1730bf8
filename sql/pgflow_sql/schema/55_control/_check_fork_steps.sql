-- Refuses a fork from no step, or from one that the flow has not.
create function pgflow._check_fork_steps(flow_slug text, from_steps text[])
returns void
language plpgsql
as $$
declare
  v_unknown text;
begin
  if coalesce(cardinality(_check_fork_steps.from_steps), 0) = 0 then
    raise exception 'from_steps names no step'
      using errcode = 'PF011', hint = 'Name the steps that are to run again; what depends on them follows.';
  end if;
  select coalesce(g.step_slug, 'null') into v_unknown
  from unnest(_check_fork_steps.from_steps) g(step_slug)
  where not exists (
    select 1
    from pgflow.steps st
    where st.flow_slug = _check_fork_steps.flow_slug and st.step_slug = g.step_slug
  )
  limit 1;
  if found then
    raise exception 'Flow "%" has no step "%"', left(_check_fork_steps.flow_slug, 200), left(v_unknown, 200)
      using errcode = 'PF011', hint = format('Its steps are: %s.', (
        select coalesce(string_agg(st.step_slug, ', ' order by st.step_index), 'none')
        from pgflow.steps st
        where st.flow_slug = _check_fork_steps.flow_slug
      ));
  end if;
end;
$$;
