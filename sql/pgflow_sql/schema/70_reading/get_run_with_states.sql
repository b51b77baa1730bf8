-- for: client, pgflow
-- A run with the states of all its steps as one object; null for a run that does not exist.
create function pgflow.get_run_with_states(run_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'run', to_jsonb(r),
      'steps', coalesce(
        (
          select jsonb_agg(to_jsonb(s) order by st.step_index)
          from pgflow.step_states s
          join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
          where s.run_id = r.run_id
        ),
        '[]'
      )
    )
    from pgflow.runs r
    where r.run_id = get_run_with_states.run_id
  );
end;
$$;
