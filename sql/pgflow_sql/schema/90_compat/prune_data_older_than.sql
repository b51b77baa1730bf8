-- for: cron
-- Deletes what ended, was archived or was last heard of before now() - retention_interval, in one transaction;
-- prune_batch does the same in small ones. Open runs stay however old.
create function pgflow.prune_data_older_than(retention_interval interval)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_cutoff timestamptz := pgflow._ago(prune_data_older_than.retention_interval);
  v_run_ids uuid[];
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.prune', 0));
  select array_agg(l.run_id) into v_run_ids
  from (
    select r.run_id
    from pgflow.runs r
    where r.completed_at < v_cutoff or r.failed_at < v_cutoff or r.cancelled_at < v_cutoff
    order by r.run_id
    for update
  ) l;
  perform pgflow._prune_runs(v_run_ids);
  perform pgflow._prune_archives(v_cutoff, null);
  delete from pgflow.actions a where a.at < v_cutoff;
  delete from pgflow.workers w where w.last_heartbeat_at < v_cutoff;
end;
$$;
