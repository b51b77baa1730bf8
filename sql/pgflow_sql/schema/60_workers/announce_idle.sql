-- for: worker
-- These workers wait for notifications on their queues' channels for so many seconds, an hour at most. Returns the
-- seconds until the next message of their queues becomes visible or the next timer is due: 0 if one is now, null if
-- there is neither. Queues of paused flows do not count. Announce, commit, claim once more, then wait: whatever commits later sees the announcement.
create function pgflow.announce_idle(worker_ids uuid[], seconds int)
returns double precision
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue_name text;
  v_vt timestamptz;
  v_first timestamptz := pgflow._next_timer();
begin
  perform pgflow._check_workers(announce_idle.worker_ids);

  insert into pgflow.announcements (channel, announcer_id, valid_until)
  select 'pgflow_work_' || lower(w.queue_name), w.worker_id,
    pgflow._seconds_from_now(announce_idle.seconds)
  from pgflow.workers w
  where w.worker_id = any(announce_idle.worker_ids)
  order by 1, 2
  on conflict on constraint announcements_pkey do update set valid_until = excluded.valid_until;

  for v_queue_name in
    select distinct w.queue_name
    from pgflow.workers w
    where w.worker_id = any(announce_idle.worker_ids)
      and not exists (select 1 from pgflow.prepared_flows p where p.flow_slug = w.queue_name and p.is_paused)
  loop
    execute format('select min(q.vt) from pgmq.%I q', pgflow._queue_table(v_queue_name, 'q')) into v_vt;
    v_first := least(v_first, v_vt);
  end loop;
  return greatest(extract(epoch from v_first - clock_timestamp())::double precision, 0::double precision)
    + case when v_first is null then null else 0 end;
end;
$$;
