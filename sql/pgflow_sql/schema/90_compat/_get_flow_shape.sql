create function pgflow._get_flow_shape(p_flow_slug text)
returns jsonb
language plpgsql
stable
as $$
begin
  return jsonb_build_object('steps', coalesce(
    (
      select jsonb_agg(
        jsonb_build_object(
          'slug', st.step_slug,
          'stepType', st.step_type,
          'dependencies', coalesce(
            (
              select jsonb_agg(d.dep_slug order by d.dep_slug collate "C")
              from pgflow.deps d
              where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
            ),
            '[]'
          ),
          'whenUnmet', st.when_unmet,
          'whenExhausted', st.when_exhausted,
          'requiredInputPattern', pgflow._pattern_shape(st.required_input_pattern),
          'forbiddenInputPattern', pgflow._pattern_shape(st.forbidden_input_pattern)
        )
        order by st.step_index
      )
      from pgflow.steps st
      where st.flow_slug = p_flow_slug
    ),
    '[]'
  ));
end;
$$;
