-- Never two jobs of one name, and no error when there was none.
create function pgflow._replace_cron_job(job_name text, schedule text, command text)
returns void
language plpgsql
as $$
begin
  perform pgflow._require_trusted('cron');
  begin
    perform cron.unschedule(_replace_cron_job.job_name);
  exception
    when undefined_function or invalid_schema_name or undefined_table then
      raise;  -- no pg_cron here: say so
    when others then
      null;   -- no job of that name yet
  end;
  perform cron.schedule(_replace_cron_job.job_name, _replace_cron_job.schedule, _replace_cron_job.command);
end;
$$;
