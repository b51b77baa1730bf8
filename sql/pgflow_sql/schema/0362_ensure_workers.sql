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
  v_pinged record;
begin
  for v_pinged in
    select w.function_name, net.http_post(
      url => a.base_url || '/' || w.function_name, body => '{}'::jsonb, headers => a.headers
    ) as request_id
    from pgflow.worker_functions w
    cross join pgflow._worker_address() a
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
    for no key update of w skip locked
  loop
    update pgflow.worker_functions w
    set last_invoked_at = clock_timestamp()
    where w.function_name = v_pinged.function_name;
    return query select v_pinged.function_name::text, true, v_pinged.request_id::bigint;
  end loop;
end;
$$;
