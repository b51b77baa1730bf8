-- for: worker, client
-- What this database knows of a flow, in the shape that build, client and worker compare; null if unknown. Beside it,
-- in reads_input, which steps are known to read the run's input or not to.
create function pgflow.get_flow_definition(flow_slug text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'structure', jsonb_build_object('steps', coalesce(
        (
          select jsonb_agg(
            jsonb_build_object(
              'slug', st.step_slug,
              'type', st.step_type,
              'dependencies', coalesce(
                (
                  select jsonb_agg(d.dep_slug order by d.dep_slug collate "C")
                  from pgflow.deps d
                  where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
                ),
                '[]'
              )
            ) || case when st.kind = 'task' then '{}' else jsonb_build_object('kind', st.kind) end
              || case when st.kind = 'subflow' then jsonb_build_object('subflow', st.options -> 'subflow') else '{}' end
            || coalesce(
              (
                select jsonb_build_object('array', coalesce(min(d.dep_slug) filter (where d.is_array), 'flow_input'))
                from pgflow.deps d
                where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug and st.step_type = 'map'
                having count(*) > 1 or not bool_or(d.is_array)
              ),
              '{}'
            )
            || case when f.options #> array['undo', 'steps'] ? st.step_slug
              then jsonb_build_object('undo', f.options #> array['undo', 'steps', st.step_slug, 'by']) else '{}' end
            order by st.step_slug collate "C"
          )
          from pgflow.steps st
          where st.flow_slug = f.flow_slug
        ),
        '[]'
      )),
      'settings', jsonb_strip_nulls(jsonb_build_object(
        'max_attempts', f.opt_max_attempts,
        'base_delay', f.opt_base_delay,
        'timeout', f.opt_timeout,
        'backoff', f.opt_backoff,
        'max_delay', f.opt_max_delay
      )) || f.options || jsonb_build_object('steps', coalesce(
        (
          -- nulls are stripped from the settings, not from the patterns
          select jsonb_object_agg(
            st.step_slug,
            jsonb_strip_nulls(jsonb_build_object(
              'max_attempts', st.opt_max_attempts,
              'base_delay', st.opt_base_delay,
              'timeout', st.opt_timeout,
              'backoff', st.opt_backoff,
              'max_delay', st.opt_max_delay,
              'start_delay', st.opt_start_delay,
              'when_unmet', st.when_unmet,
              'when_exhausted', st.when_exhausted
            ))
            || case when st.required_input_pattern is null then '{}'
              else jsonb_build_object('if', st.required_input_pattern) end
            || case when st.forbidden_input_pattern is null then '{}'
              else jsonb_build_object('if_not', st.forbidden_input_pattern) end
            || st.options - '{reads_input,subflow}'::text[]
          )
          from pgflow.steps st
          where st.flow_slug = f.flow_slug
        ),
        '{}'
      ))
    ) || coalesce(
      (
        select jsonb_build_object('reads_input', jsonb_object_agg(st.step_slug, st.options -> 'reads_input'))
        from pgflow.steps st
        where st.flow_slug = f.flow_slug and st.options ? 'reads_input'
        having count(*) > 0
      ),
      '{}'
    )
    from pgflow.flows f
    where f.flow_slug = get_flow_definition.flow_slug
  );
end;
$$;
