-- What a companion is told of steps that it only reads: whether each has completed, and with what.
create function pgflow._step_outputs(run_id uuid, step_slugs jsonb)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select coalesce(jsonb_object_agg(s.step_slug, jsonb_build_object('done', s.status = 'completed') || case
      when s.status = 'completed' then jsonb_build_object('output', coalesce(s.output, 'null'))
      else '{}'
    end), '{}')
    from jsonb_array_elements_text(_step_outputs.step_slugs) i(slug)
    join pgflow.step_states s on s.run_id = _step_outputs.run_id and s.step_slug = i.slug
  );
end;
$$;
