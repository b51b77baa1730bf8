-- for: cron
-- With pg_cron: calls requeue_stalled_tasks at an interval. Our workers do the same without it.
create function pgflow.setup_requeue_stalled_tasks_cron(cron_interval text default '15 seconds')
returns text
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgflow._replace_cron_job(
    'pgflow_requeue_stalled_tasks', setup_requeue_stalled_tasks_cron.cron_interval,
    'select pgflow.requeue_stalled_tasks()'
  );
  return format(
    'Scheduled job pgflow_requeue_stalled_tasks: %s', setup_requeue_stalled_tasks_cron.cron_interval
  );
end;
$$;
