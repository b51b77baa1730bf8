-- A chain of more than fifty empty maps is taken for a loop (the limit is pgflow's).
create function pgflow._check_cascade(round_count int)
returns void
language plpgsql
as $$
begin
  if round_count > 50 then
    raise exception 'Cascade loop exceeded safety limit of 50 iterations'
      using errcode = 'PF007', hint = 'Chain at most fifty maps without a single step between them.';
  end if;
end;
$$;
