-- for: cron
-- Deletes pg_cron's old notes about ensure_workers.
create function pgflow.cleanup_ensure_workers_logs(retention_hours int default 24)
returns table (cron_deleted bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._require_trusted('cron');
  return query
  with deleted as (
    delete from cron.job_run_details d
    where d.end_time < pgflow._ago(make_interval(hours => cleanup_ensure_workers_logs.retention_hours))
    returning 1
  )
  select count(*) from deleted;
end;
$$;
