-- Whether a run of this id is there that was forked from the same run with the same input, and in which the same
-- steps were done again: then a call is repeated.
create function pgflow._is_same_fork(run_id uuid, from_run_id uuid, input jsonb, again_slugs text[])
returns boolean
language plpgsql
as $$
begin
  return exists (
    select 1
    from pgflow.origins o
    join pgflow.runs r on r.run_id = o.run_id
    where o.run_id = _is_same_fork.run_id
      and o.kind = 'fork'
      and o.from_run_id = _is_same_fork.from_run_id
      and r.input = _is_same_fork.input
      and not exists (
        select 1
        from pgflow.step_states s
        where s.run_id = o.run_id and s.reused and s.step_slug = any(_is_same_fork.again_slugs)
      )
  );
end;
$$;
