-- for: worker, pgflow
-- Notes that an edge function serves workers, for ensure_workers. For platforms that start workers by HTTP;
-- track_worker is for those that are somewhere else.
create function pgflow.track_worker_function(function_name text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgflow.worker_functions (function_name, updated_at)
  values (track_worker_function.function_name, clock_timestamp())
  on conflict on constraint worker_functions_pkey do update set updated_at = clock_timestamp();
end;
$$;
