create function pgflow._create_flow_from_shape(p_flow_slug text, p_shape jsonb)
returns void
language plpgsql
as $$
declare
  v_options jsonb := p_shape -> 'options';
  v_step jsonb;
begin
  perform pgflow.create_flow(
    p_flow_slug,
    (v_options ->> 'maxAttempts')::int, (v_options ->> 'baseDelay')::int, (v_options ->> 'timeout')::int
  );
  -- one by one and in order: each step gets the next index
  for v_step in select s.step from jsonb_array_elements(p_shape -> 'steps') with ordinality s(step, position)
    order by s.position
  loop
    v_options := v_step -> 'options';
    perform pgflow.add_step(
      flow_slug => p_flow_slug,
      step_slug => v_step ->> 'slug',
      deps_slugs => array(
        select d.slug
        from jsonb_array_elements_text(coalesce(v_step -> 'dependencies', '[]'))
          with ordinality d(slug, position)
        order by d.position
      ),
      max_attempts => (v_options ->> 'maxAttempts')::int,
      base_delay => (v_options ->> 'baseDelay')::int,
      timeout => (v_options ->> 'timeout')::int,
      start_delay => (v_options ->> 'startDelay')::int,
      step_type => v_step ->> 'stepType',
      required_input_pattern => v_step #> '{requiredInputPattern,value}',
      forbidden_input_pattern => v_step #> '{forbiddenInputPattern,value}',
      when_unmet => coalesce(v_step ->> 'whenUnmet', 'skip'),
      when_exhausted => coalesce(v_step ->> 'whenExhausted', 'fail')
    );
  end loop;
end;
$$;
