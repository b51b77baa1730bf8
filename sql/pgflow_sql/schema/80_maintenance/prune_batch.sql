-- for: worker
-- Deletes up to max_runs ended runs, oldest ids first, skipping those another pruner has; with the last batch
-- (fewer than max_runs) also some old archived messages, actions of the trail and dead workers, so that each call
-- stays short; one pruner at a time does the latter.
-- Returns how many runs; call it again while that is max_runs.
create function pgflow.prune_batch(retention_interval interval, max_runs int)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_cutoff timestamptz := pgflow._ago(prune_batch.retention_interval);
  v_run_ids uuid[];
begin
  select array_agg(l.run_id) into v_run_ids
  from (
    select r.run_id
    from pgflow.runs r
    where r.completed_at < v_cutoff or r.failed_at < v_cutoff or r.cancelled_at < v_cutoff
    order by r.run_id
    limit greatest(prune_batch.max_runs, 0)
    for update skip locked
  ) l;
  perform pgflow._prune_runs(v_run_ids);

  if coalesce(cardinality(v_run_ids), 0) < greatest(prune_batch.max_runs, 1)
    and pg_try_advisory_xact_lock(hashtextextended('pgflow.prune', 0))
  then
    perform pgflow._prune_archives(v_cutoff, 10000);
    delete from pgflow.actions a
    where a.action_id = any(array(select o.action_id from pgflow.actions o where o.at < v_cutoff limit 10000));
    delete from pgflow.workers w
    where w.worker_id = any(array(
      select o.worker_id
      from pgflow.workers o
      where o.last_heartbeat_at < v_cutoff
      order by o.worker_id
      limit 1000
      for update skip locked
    ));
  end if;
  return coalesce(cardinality(v_run_ids), 0);
end;
$$;
