-- Completes started tasks (keys) whose last attempt has failed where when_exhausted is 'value': what takes the place of
-- their output says so. Callers hold the runs and have stored the errors with the tasks. A run that has ended meanwhile
-- takes its tasks with it.
create function pgflow._tolerate(run_ids uuid[], step_slugs text[], task_indexes int[], error_messages text[])
returns void
language plpgsql
as $$
declare
  v_count constant int := cardinality(run_ids);
  v_outputs jsonb[];
  v_all bigint;  -- see 00_model/model.sql
begin
  v_outputs := array(
    select jsonb_build_object('$failed', jsonb_build_object(
      'error', left(split_part(coalesce(p.error_message, ''), E'\n', 1), 500),
      'step', p.step_slug,
      'index', p.task_index,
      'attempts', t.attempts_count - t.forgiven_count
    ))
    from unnest(_tolerate.run_ids, _tolerate.step_slugs, _tolerate.task_indexes, _tolerate.error_messages)
      with ordinality p(run_id, step_slug, task_index, error_message, position)
    cross join lateral (
      select l.attempts_count, l.forgiven_count
      from pgflow.step_tasks l
      where l.run_id = p.run_id and l.step_slug = p.step_slug and l.task_index = p.task_index
      limit 1
    ) t
    order by p.position
  );
  perform 1 from pgflow._complete(
    array_fill(null::uuid, array[v_count]), _tolerate.run_ids, _tolerate.step_slugs, _tolerate.task_indexes,
    array_fill(null::int, array[v_count]), v_outputs, 0, '{}', false, true
  );

  update pgflow.step_tasks t
  set status = 'failed', failed_at = greatest(now(), t.started_at), is_tolerated = null
  from (
    select *
    from unnest(_tolerate.run_ids, _tolerate.step_slugs, _tolerate.task_indexes) g(run_id, step_slug, task_index)
    limit v_all
  ) p
  where t.run_id = p.run_id and t.step_slug = p.step_slug and t.task_index = p.task_index and t.status = 'started';
end;
$$;
