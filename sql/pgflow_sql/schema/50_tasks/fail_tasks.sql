-- for: worker
-- Fails many tasks of many runs; element i counts only if its task is started by worker i in attempt i. One
-- row per element: 'retried' (with delay), 'failed', 'skipped', 'tolerated' (completed, and its output says that it failed),
-- or 'stale' (refused, nothing changed).
-- retryable[i] = false: exhausted at once. retry_after[i]: seconds instead of the formula, a year at most.
create function pgflow.fail_tasks(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[] default null,
  retry_after int[] default null
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._check_lengths(
    cardinality(fail_tasks.run_ids),
    array['worker_ids', 'step_slugs', 'task_indexes', 'attempts', 'error_messages', 'retryable', 'retry_after'],
    array[
      cardinality(fail_tasks.worker_ids), cardinality(fail_tasks.step_slugs),
      cardinality(fail_tasks.task_indexes), cardinality(fail_tasks.attempts),
      cardinality(fail_tasks.error_messages),
      coalesce(cardinality(fail_tasks.retryable), cardinality(fail_tasks.run_ids)),
      coalesce(cardinality(fail_tasks.retry_after), cardinality(fail_tasks.run_ids))
    ]
  );
  if exists (
    select 1
    from pgflow.workers w
    where w.worker_id = any(fail_tasks.worker_ids)
      and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  ) then
    perform pgflow._note_life(fail_tasks.worker_ids);
  end if;
  return query select f.* from pgflow._fail(
    fail_tasks.worker_ids, fail_tasks.run_ids, fail_tasks.step_slugs, fail_tasks.task_indexes,
    fail_tasks.attempts, fail_tasks.error_messages, fail_tasks.retryable, fail_tasks.retry_after, true
  ) f;
end;
$$;
