-- The options of a step as they are stored: without those that are null. Refuses unknown ones and wrong values.
create function pgflow._step_options(options jsonb, deps_slugs text[])
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb := pgflow._known_options('step', _step_options.options, array[
    'reads_input', 'if_any', 'if_not_any', 'if_ran', 'if_skipped'
  ]);
begin
  if (v_options ? 'reads_input') and jsonb_typeof(v_options -> 'reads_input') <> 'boolean' then
    raise exception 'reads_input must be true or false, not %', left(v_options ->> 'reads_input', 100)
      using errcode = 'PF011', hint = 'Leave it out where it is not known whether the step reads the run''s input.';
  end if;
  perform pgflow._check_condition_options(v_options, _step_options.deps_slugs);
  return v_options;
end;
$$;
