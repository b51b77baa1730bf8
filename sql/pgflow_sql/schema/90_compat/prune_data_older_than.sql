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
  v_is_family boolean;  -- whether there were children among those deleted last
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.prune', 0));
  loop
    select array_agg(l.run_id), bool_or(l.has_origin) into v_run_ids, v_is_family
    from (
      select r.run_id, r.has_origin
      from pgflow.runs r
      where (r.completed_at < v_cutoff or r.failed_at < v_cutoff or r.cancelled_at < v_cutoff)
        and pgflow._may_be_pruned(r.run_id, r.has_origin, r.end_count, v_cutoff)
      order by r.run_id
      for update
    ) l;
    exit when v_run_ids is null;
    perform pgflow._prune_runs(v_run_ids);
    exit when v_is_family is not true;  -- else it may be their parents' turn
  end loop;
  perform pgflow._prune_archives(v_cutoff, null);
  delete from pgflow.actions a where a.at < v_cutoff;
  delete from pgflow.workers w where w.last_heartbeat_at < v_cutoff;
end;
$$;
