create function pgflow.get_run_input(run_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select r.input from pgflow.runs r where r.run_id = get_run_input.run_id);
end;
$$;
