-- for: worker
-- Notes where a worker is asked to start that runs elsewhere than the platform's functions, for ensure_workers: a POST
-- to url. With it goes the secret pgflow_auth_secret; the service key, where that is missing, only to addresses
-- that come from somebody who may act as the core's owner.
create function pgflow.track_worker(function_name text, url text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.worker_functions (function_name, url, gets_service_key, updated_at)
  values (
    track_worker.function_name, track_worker.url, pg_has_role(session_user, current_user, 'member'),
    clock_timestamp()
  )
  on conflict on constraint worker_functions_pkey do update
  set url = excluded.url,
      gets_service_key = excluded.gets_service_key,
      updated_at = excluded.updated_at;
end;
$$;
