-- Whether a ready step must not run: the only place that evaluates conditions. Patterns of a root step are over the
-- run's input, those of others over an object of the outputs of their completed dependencies, in which flow_input is
-- the run's input, unless that is a dependency's name.
create function pgflow._is_unmet(step pgflow.steps, run_id uuid, flow_input jsonb)
returns boolean
language plpgsql
stable
as $$
declare
  v_required jsonb := step.options -> 'if_any';
  v_forbidden jsonb := step.options -> 'if_not_any';
  v_input jsonb := flow_input;
begin
  if step.options ?| array['if_ran', 'if_skipped'] and exists (
    select 1
    from unnest(array['completed', 'skipped'], array['if_ran', 'if_skipped']) k(status, key)
    cross join lateral jsonb_array_elements_text(step.options -> k.key) d(slug)
    join pgflow.step_states s on s.run_id = _is_unmet.run_id and s.step_slug = d.slug
    where s.status <> k.status
  ) then
    return true;
  end if;
  if step.required_input_pattern is not null then
    v_required := jsonb_build_array(step.required_input_pattern);
  end if;
  if step.forbidden_input_pattern is not null then
    v_forbidden := jsonb_build_array(step.forbidden_input_pattern);
  end if;
  if v_required is null and v_forbidden is null then
    return false;
  end if;

  if step.deps_count > 0 then
    select coalesce(jsonb_object_agg(d.dep_slug, coalesce(s.output, 'null')), '{}') into v_input
    from pgflow.deps d
    join pgflow.step_states s on s.run_id = _is_unmet.run_id and s.step_slug = d.dep_slug
    where d.flow_slug = step.flow_slug and d.step_slug = step.step_slug and s.status = 'completed';
    if exists (
      select 1 from jsonb_array_elements(coalesce(v_required, '[]') || coalesce(v_forbidden, '[]')) p(pattern)
      where p.pattern ? 'flow_input'
    ) and not exists (
      select 1
      from pgflow.deps d
      where d.flow_slug = step.flow_slug and d.step_slug = step.step_slug and d.dep_slug = 'flow_input'
    ) then
      v_input := v_input || jsonb_build_object('flow_input', flow_input);
    end if;
  end if;
  return
    v_required is not null
      and not exists (select 1 from jsonb_array_elements(v_required) p(pattern) where v_input @> p.pattern)
    or v_forbidden is not null
      and exists (select 1 from jsonb_array_elements(v_forbidden) p(pattern) where v_input @> p.pattern);
end;
$$;
