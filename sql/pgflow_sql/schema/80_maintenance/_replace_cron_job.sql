-- Never two jobs of one name, and no error when there was none. A schedule of seconds needs a pg_cron that knows them.
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
  begin
    perform cron.schedule(_replace_cron_job.job_name, _replace_cron_job.schedule, _replace_cron_job.command);
  exception
    when invalid_parameter_value then
      if _replace_cron_job.schedule !~ 'seconds?\s*$' then
        raise;
      end if;
      raise exception 'This pg_cron does not take the schedule "%": it knows no seconds', _replace_cron_job.schedule
        using errcode = 'PF011',
          hint = 'Update the extension pg_cron to 1.5 or later, or pass cron_interval => ''* * * * *'', once a minute.';
  end;
end;
$$;
