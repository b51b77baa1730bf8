-- Whether children that an ended run has started for these steps (the keys) still go on.
create function pgflow._has_open_children(run_id uuid, steps jsonb)
returns boolean
language plpgsql
stable
as $$
begin
  return exists (
    select 1
    from jsonb_object_keys(_has_open_children.steps) u(step_slug)
    join pgflow.origins o
      on o.kind = 'child' and o.from_run_id = _has_open_children.run_id and o.step_slug = u.step_slug
    join pgflow.runs c on c.run_id = o.run_id
    where c.status = 'started'
  );
end;
$$;
