-- for: worker
-- Repeating it with the same id is harmless: a worker that lost its database, or that was taken for dead, registers
-- again. Who calls it promises signs of life: a heartbeat every few seconds, however long its tasks take.
-- ``details`` is for people to read: whatever it says of its whereabouts.
create function pgflow.register_worker(
  worker_id uuid, queue_name text, function_name text, details jsonb default '{}'
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.workers (worker_id, queue_name, function_name, last_heartbeat_at, beats, details)
  values (
    register_worker.worker_id, register_worker.queue_name, register_worker.function_name, clock_timestamp(),
    true, register_worker.details
  )
  on conflict on constraint workers_pkey do update
  set queue_name = excluded.queue_name,
      function_name = excluded.function_name,
      last_heartbeat_at = excluded.last_heartbeat_at,
      beats = true,
      details = excluded.details,
      died_at = null,
      recovered_at = null;
end;
$$;
