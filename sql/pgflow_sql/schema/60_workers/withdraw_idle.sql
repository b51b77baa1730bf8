-- for: worker
-- Ends the announcement of announce_idle: these workers are awake and need no notification.
create function pgflow.withdraw_idle(worker_ids uuid[])
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from pgflow.announcements a
  using pgflow.workers w
  where w.worker_id = any(withdraw_idle.worker_ids)
    and a.channel = 'pgflow_work_' || lower(w.queue_name)
    and a.announcer_id = w.worker_id;
end;
$$;
