-- for: cron
-- With pg_cron: calls ensure_workers at an interval, and cleans up after it.
create function pgflow.setup_ensure_workers_cron(cron_interval text default '1 second')
returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._replace_cron_job(
    'pgflow_ensure_workers', setup_ensure_workers_cron.cron_interval, 'select pgflow.ensure_workers()'
  );
  perform pgflow._replace_cron_job(
    'pgflow_cleanup_logs', '0 * * * *', 'select pgflow.cleanup_ensure_workers_logs()'
  );
  return format(
    'Scheduled jobs pgflow_ensure_workers: %s, pgflow_cleanup_logs: 0 * * * *',
    setup_ensure_workers_cron.cron_interval
  );
end;
$$;
