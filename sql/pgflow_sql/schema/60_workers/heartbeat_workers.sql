-- for: worker
-- Returns a row per worker that is still known, with when it was deprecated: such a worker takes no more tasks. One
-- that is missing has to register again. Waits for nobody: what somebody has locked is left to the next beat.
-- With the fences of the tasks that these workers are at (run, step, index, attempt), lost are the positions of those
-- that hold no more, the same in each row, and reasons why: 'run_cancelled', 'run_failed', 'run_completed',
-- 'step_skipped', 'step_failed', 'step_completed', 'other_attempt' or 'no_such_task'. A held run's fences hold.
create function pgflow.heartbeat_workers(
  worker_ids uuid[], run_ids uuid[] default '{}', step_slugs text[] default '{}', task_indexes int[] default '{}',
  attempts int[] default '{}'
)
returns table (worker_id uuid, deprecated_at timestamptz, lost int[], reasons text[])
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
declare
  v_lost int[] := '{}';
  v_reasons text[] := '{}';
begin
  update pgflow.workers w
  set last_heartbeat_at = clock_timestamp()
  where w.worker_id = any(array(
    select l.worker_id
    from pgflow.workers l
    where l.worker_id = any(heartbeat_workers.worker_ids) and l.died_at is null
    order by l.worker_id
    for no key update skip locked
  ));

  if heartbeat_workers.run_ids <> '{}' then
    perform pgflow._check_lengths(
      cardinality(heartbeat_workers.run_ids), array['step_slugs', 'task_indexes', 'attempts'],
      array[
        cardinality(heartbeat_workers.step_slugs), cardinality(heartbeat_workers.task_indexes),
        cardinality(heartbeat_workers.attempts)
      ]
    );
    select l.lost, l.reasons into v_lost, v_reasons
    from pgflow._lost_fences(
      heartbeat_workers.worker_ids, heartbeat_workers.run_ids, heartbeat_workers.step_slugs,
      heartbeat_workers.task_indexes, heartbeat_workers.attempts
    ) l;
  end if;

  return query
  select w.worker_id, w.deprecated_at, v_lost, v_reasons
  from pgflow.workers w
  where w.worker_id = any(heartbeat_workers.worker_ids) and w.died_at is null;
end;
$$;
