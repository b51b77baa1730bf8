-- for: worker, client
-- The input of a run; null for a run that does not exist.
create function pgflow.get_run_input(run_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_input jsonb;
begin
  select r.input into v_input from pgflow.runs r where r.run_id = get_run_input.run_id;
  if not found then
    raise exception 'Run not found: %', get_run_input.run_id using errcode = 'PF008';
  end if;
  return v_input;
end;
$$;
