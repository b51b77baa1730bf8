-- The one-step case of _force_skip, the step itself included.
create function pgflow._cascade_force_skip_steps(run_id uuid, step_slug text, skip_reason text)
returns int
language plpgsql
as $$
declare
  v_step_count int;
begin
  perform 1 from pgflow.runs r where r.run_id = _cascade_force_skip_steps.run_id for no key update;
  if not found then
    raise exception 'Run not found: %', _cascade_force_skip_steps.run_id using errcode = 'PF008';
  end if;
  v_step_count := pgflow._force_skip(
    array[_cascade_force_skip_steps.run_id],
    array[_cascade_force_skip_steps.step_slug],
    array[_cascade_force_skip_steps.skip_reason]
  );
  perform pgflow._notify(null, array[_cascade_force_skip_steps.run_id]);
  return v_step_count;
end;
$$;
