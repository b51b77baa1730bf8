-- for: client
-- What watchers of runs read again and again: get_run_with_states without the run's input, and without the
-- outputs the caller has already. known: {"<run id>": [slugs of steps whose output is known]}; such a step comes
-- without the key "output", every other completed one with it. A run that does not exist has no row.
create function pgflow.get_run_progress(run_ids uuid[], known jsonb default '{}')
returns table (run_id uuid, progress jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.run_id, jsonb_build_object(
    'run', jsonb_build_object(
      'run_id', r.run_id,
      'flow_slug', r.flow_slug,
      'status', r.status,
      'output', case when r.status = 'completed' then r.output end,
      'remaining_steps', r.remaining_steps,
      'started_at', r.started_at,
      'completed_at', r.completed_at,
      'failed_at', r.failed_at,
      'error_message', r.error_message
    ),
    'steps', coalesce(
      (
        -- columns by name: to_jsonb(s) - 'output' would read the output from where it is stored
        select jsonb_agg(
          jsonb_build_object(
            'step_slug', s.step_slug,
            'status', s.status,
            'remaining_tasks', s.remaining_tasks,
            'initial_tasks', s.initial_tasks,
            'remaining_deps', s.remaining_deps,
            'error_message', s.error_message,
            'skip_reason', s.skip_reason,
            'created_at', s.created_at,
            'started_at', s.started_at,
            'completed_at', s.completed_at,
            'failed_at', s.failed_at,
            'skipped_at', s.skipped_at
          )
          || case
            when s.status <> 'completed' or k.step_slugs ? s.step_slug then '{}'
            else jsonb_build_object('output', s.output)
          end
          order by st.step_index
        )
        from pgflow.step_states s
        join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
        where s.run_id = r.run_id
      ),
      '[]'
    )
  )
  from unnest(get_run_progress.run_ids) i(run_id)
  cross join lateral (
    select f.* from pgflow.runs f where f.run_id = i.run_id limit 1
  ) r
  cross join lateral (
    select coalesce(get_run_progress.known -> r.run_id::text, '[]') as step_slugs
  ) k;
end;
$$;
