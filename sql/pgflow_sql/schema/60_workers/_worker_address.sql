-- Where and how to ping worker functions: the local Supabase, or the project named by the vault's secrets.
-- No row when a secret is missing.
create function pgflow._worker_address()
returns table (base_url text, headers jsonb)
language plpgsql
stable
as $$
declare
  v_project_id text;
  v_key text;
begin
  if pgflow.is_local() then
    return query select 'http://kong:8000/functions/v1', '{}'::jsonb;
    return;
  end if;
  perform pgflow._require_trusted('vault');
  select max(nullif(s.decrypted_secret, '')) filter (where s.name = 'supabase_project_id'),
    coalesce(
      max(nullif(s.decrypted_secret, '')) filter (where s.name = 'pgflow_auth_secret'),
      max(nullif(s.decrypted_secret, '')) filter (where s.name = 'supabase_service_role_key')
    )
  into v_project_id, v_key
  from vault.decrypted_secrets s
  where s.name in ('supabase_project_id', 'pgflow_auth_secret', 'supabase_service_role_key');

  if v_project_id is not null and v_key is not null then
    return query select
      format('https://%s.supabase.co/functions/v1', v_project_id),
      jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || v_key);
  end if;
end;
$$;
