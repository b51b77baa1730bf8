-- for: cron
-- Pings worker functions that have no living worker: locally all that are enabled, else those past their
-- debounce.
create function pgflow.ensure_workers()
returns table (function_name text, invoked boolean, request_id bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_local boolean := pgflow.is_local();
  v_address record;
  v_function record;
begin
  perform pgflow._require_trusted('net');
  select a.base_url, a.headers into v_address from pgflow._worker_address() a;
  if not found then
    return;
  end if;

  for v_function in
    select w.function_name
    from pgflow.worker_functions w
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
      url => v_address.base_url || '/' || v_function.function_name,
      body => '{}'::jsonb,
      headers => v_address.headers
    );
    update pgflow.worker_functions w
    set last_invoked_at = clock_timestamp()
    where w.function_name = v_function.function_name;
    return next;
  end loop;
end;
$$;
