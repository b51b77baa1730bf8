-- for: worker
-- Completes many tasks of many runs; element i counts only if its task is started by worker i in attempt i.
-- Returns only what is out of the ordinary: 'stale' (refused, nothing changed), 'failed' (type violation), and
-- up to hand_over rows 'claimed': tasks that became ready, started for the same worker.
create function pgflow.complete_tasks(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  hand_over int default 0,
  flow_input_steps text[] default '{}'
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if (cardinality(complete_tasks.run_ids) = all(array[
    cardinality(complete_tasks.worker_ids), cardinality(complete_tasks.step_slugs),
    cardinality(complete_tasks.task_indexes), cardinality(complete_tasks.attempts),
    cardinality(complete_tasks.outputs)
  ])) is not true then
    perform pgflow._check_lengths(
      cardinality(complete_tasks.run_ids),
      array['worker_ids', 'step_slugs', 'task_indexes', 'attempts', 'outputs'],
      array[
        cardinality(complete_tasks.worker_ids), cardinality(complete_tasks.step_slugs),
        cardinality(complete_tasks.task_indexes), cardinality(complete_tasks.attempts),
        cardinality(complete_tasks.outputs)
      ]
    );
  end if;
  return query select c.* from pgflow._complete(
    complete_tasks.worker_ids, complete_tasks.run_ids, complete_tasks.step_slugs, complete_tasks.task_indexes,
    complete_tasks.attempts, complete_tasks.outputs, complete_tasks.hand_over, complete_tasks.flow_input_steps,
    true
  ) c;
end;
$$;
