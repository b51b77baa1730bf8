-- for: cron
-- Pings worker functions that have no living worker, each at its url or among the platform's functions: locally all
-- that are enabled, else those past their debounce.
create function pgflow.ensure_workers()
returns table (function_name text, invoked boolean, request_id bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_local boolean := pgflow.is_local();
  v_function record;
begin
  perform pgflow._require_trusted('net');
  for v_function in
    select w.function_name, a.address, a.headers
    from pgflow.worker_functions w
    cross join lateral pgflow._worker_address(w.function_name, w.url, w.gets_service_key) a
    where w.enabled
      and (
        v_local
        or (
          coalesce(w.last_invoked_at < now() - w.debounce, true)
          and not exists (
            select 1
            from pgflow.workers l
            where l.function_name = w.function_name
              and l.stopped_at is null
              and l.deprecated_at is null
              and l.last_heartbeat_at > now() - w.debounce
          )
        )
      )
    order by w.function_name
    for no key update of w skip locked
  loop
    function_name := v_function.function_name;
    invoked := true;
    request_id := net.http_post(
      url => v_function.address,
      body => '{}'::jsonb,
      headers => v_function.headers
    );
    update pgflow.worker_functions w
    set last_invoked_at = clock_timestamp()
    where w.function_name = v_function.function_name;
    return next;
  end loop;
end;
$$;
