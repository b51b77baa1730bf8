-- The options of a step as they are stored: without those that are null. Refuses unknown ones and wrong values.
create function pgflow._step_options(options jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb := pgflow._known_options('step', _step_options.options, array['reads_input']);
begin
  if (v_options ? 'reads_input') and jsonb_typeof(v_options -> 'reads_input') <> 'boolean' then
    raise exception 'reads_input must be true or false, not %', left(v_options ->> 'reads_input', 100)
      using errcode = 'PF011', hint = 'Leave it out where it is not known whether the step reads the run''s input.';
  end if;
  return v_options;
end;
$$;
