-- Where and how a worker function is asked to start: at its own url, or among the functions of the local Supabase or of
-- the project that the vault's secrets name. No row when a secret is missing.
create function pgflow._worker_address(function_name text, url text, gets_service_key boolean)
returns table (address text, headers jsonb)
language plpgsql
stable
as $$
declare
  v_project_id text;
  v_secret text;
  v_service_key text;
begin
  if pgflow.is_local() then
    return query select
      coalesce(_worker_address.url, 'http://kong:8000/functions/v1/' || _worker_address.function_name),
      '{}'::jsonb;
    return;
  end if;
  perform pgflow._require_trusted('vault');
  select max(nullif(s.decrypted_secret, '')) filter (where s.name = 'supabase_project_id'),
    max(nullif(s.decrypted_secret, '')) filter (where s.name = 'pgflow_auth_secret'),
    max(nullif(s.decrypted_secret, '')) filter (where s.name = 'supabase_service_role_key')
  into v_project_id, v_secret, v_service_key
  from vault.decrypted_secrets s
  where s.name in ('supabase_project_id', 'pgflow_auth_secret', 'supabase_service_role_key');

  if v_secret is null and (_worker_address.url is null or _worker_address.gets_service_key) then
    v_secret := v_service_key;
  end if;
  return query
  select a.address, jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || v_secret)
  from (
    select coalesce(
      _worker_address.url,
      format('https://%s.supabase.co/functions/v1/%s', v_project_id, _worker_address.function_name)
    ) as address
    where _worker_address.url is not null or v_project_id is not null
  ) a
  where v_secret is not null;
end;
$$;
