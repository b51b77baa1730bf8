-- With another input the outputs of steps that read it cannot be taken over: refuses that, and names the steps. Where
-- it is not known whether a step reads the run's input, it does.
create function pgflow._check_fork_input(flow_slug text, reused_slugs text[])
returns void
language plpgsql
as $$
declare
  v_readers text[] := array(
    select st.step_slug
    from pgflow.steps st
    where st.flow_slug = _check_fork_input.flow_slug
      and st.step_slug = any(_check_fork_input.reused_slugs)
      and (
        case st.kind
          when 'signal' then false
          when 'pick' then true
          when 'sleep' then coalesce(st.options -> 'until' ->> 0 = 'flow_input', false)
          else coalesce((st.options ->> 'reads_input')::boolean, true)
        end
        or st.deps_count = 0 and pgflow._has_condition(st)
        or st.step_type = 'map' and not exists (
          select 1
          from pgflow.deps d
          where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug and d.is_array
        )
        or exists (
          select 1
          from jsonb_array_elements(
            jsonb_build_array(st.required_input_pattern, st.forbidden_input_pattern)
              || coalesce(st.options -> 'if_any', '[]') || coalesce(st.options -> 'if_not_any', '[]')
          ) p(pattern)
          where p.pattern ? 'flow_input'
        )
      )
    order by st.step_index
  );
begin
  if v_readers <> '{}' then
    raise exception 'With another input these steps cannot be taken over, as they may have read it: %',
      array_to_string(v_readers, ', ')
      using errcode = 'PF011', hint = 'Add them to from_steps, or fork with the same input.';
  end if;
end;
$$;
