-- for: client
-- Asks for notifications 'pgflow_run_<run_id without dashes>' for so many seconds, an hour at most:
-- hints to read again.
create function pgflow.watch_runs(watcher_id uuid, run_ids uuid[], seconds int)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.announcements (channel, announcer_id, valid_until)
  select 'pgflow_run_' || replace(r.run_id::text, '-', ''), watch_runs.watcher_id,
    pgflow._seconds_from_now(watch_runs.seconds)
  -- distinct here: the clock goes on from row to row
  from (select distinct i.run_id from unnest(watch_runs.run_ids) i(run_id)) r
  order by 1
  on conflict on constraint announcements_pkey do update set valid_until = excluded.valid_until;
end;
$$;
