-- Whether a run has gone on since that end of its, by a retry: what was not undone then is the next undo's.
create function pgflow._is_left_behind(run_id uuid, end_number int)
returns boolean
language plpgsql
stable
as $$
begin
  return exists (
    select 1
    from pgflow.runs r
    where r.run_id = _is_left_behind.run_id and (r.status = 'started' or r.end_count > _is_left_behind.end_number)
  );
end;
$$;
