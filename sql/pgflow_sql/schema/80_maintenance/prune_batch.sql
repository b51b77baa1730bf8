-- for: worker
-- Deletes up to max_runs ended runs, children before their parents, else oldest ids first, skipping those another pruner
-- has; with the last batch (fewer than max_runs) also some old archived messages, actions of the trail and dead workers,
-- so that each call stays short; one pruner at a time does the latter.
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
  v_count int := 0;
  v_is_family boolean;  -- whether there were children among those deleted last
begin
  loop
    select array_agg(l.run_id), bool_or(l.has_origin) into v_run_ids, v_is_family
    from (
      select r.run_id, r.has_origin
      from pgflow.runs r
      where (r.completed_at < v_cutoff or r.failed_at < v_cutoff or r.cancelled_at < v_cutoff)
        and pgflow._may_be_pruned(r.run_id, r.has_origin, r.end_count, v_cutoff)
      order by r.run_id
      limit greatest(prune_batch.max_runs, 0) - v_count
      for update skip locked
    ) l;
    exit when v_run_ids is null;
    perform pgflow._prune_runs(v_run_ids);
    v_count := v_count + cardinality(v_run_ids);
    exit when v_is_family is not true or v_count >= prune_batch.max_runs;  -- else it may be their parents' turn
  end loop;

  if v_count < greatest(prune_batch.max_runs, 1)
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
  return v_count;
end;
$$;
