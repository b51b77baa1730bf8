-- Locks a run that others hold again and again, as they do one with many children: waits for its turn, but not for long.
-- Callers hold no run.
create function pgflow._await_run(run_id uuid)
returns uuid[]
language plpgsql
as $$
begin
  return array(select r.run_id from pgflow.runs r where r.run_id = _await_run.run_id for no key update);
exception when lock_not_available then
  return null;
end;
$$;
