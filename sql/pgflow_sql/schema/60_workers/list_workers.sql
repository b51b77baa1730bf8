-- for: client
-- Workers that are at work, and those that ended or were last heard of within a while; the latest heard of first.
create function pgflow.list_workers(recent interval default '1 day', max_workers int default 500)
returns table (
  worker_id uuid,
  queue_name text,
  function_name text,
  started_at timestamptz,
  last_heartbeat_at timestamptz,
  deprecated_at timestamptz,
  stopped_at timestamptz,
  beats boolean,
  details jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    w.worker_id, w.queue_name, w.function_name, w.started_at, w.last_heartbeat_at, w.deprecated_at, w.stopped_at,
    w.beats, w.details
  from pgflow.workers w
  where w.last_heartbeat_at > pgflow._ago(list_workers.recent)
  order by w.last_heartbeat_at desc, w.worker_id
  limit greatest(list_workers.max_workers, 0);
end;
$$;
