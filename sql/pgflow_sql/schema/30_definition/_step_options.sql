-- The options of a step of that kind as they are stored: without those that are null, and without the kind, which has a
-- column, and the array, which deps tells. Refuses unknown ones and wrong values.
create function pgflow._step_options(options jsonb, kind text, deps_slugs text[])
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb;
begin
  if _step_options.kind not in ('task', 'signal', 'sleep', 'loop', 'subflow', 'pick') then
    raise exception 'A step cannot be of the kind "%"', left(_step_options.kind, 100)
      using errcode = 'PF011', hint = 'Leave it out, or give signal, sleep, loop or subflow.';
  end if;
  v_options := pgflow._known_options(
    case _step_options.kind when 'task' then 'step' else _step_options.kind end,
    _step_options.options,
    array['kind', 'reads_input', 'if_any', 'if_not_any', 'if_ran', 'if_skipped'] || case _step_options.kind
      when 'signal' then array['key', 'deadline']
      when 'sleep' then array['seconds', 'until']
      when 'loop' then array['max_rounds', 'every', 'deadline']
      when 'subflow' then array['subflow', 'max_depth', 'deadline', 'array']
      when 'pick' then array['pick']
      else array['array']
    end
  );
  if (v_options ? 'reads_input') and jsonb_typeof(v_options -> 'reads_input') <> 'boolean' then
    raise exception 'reads_input must be true or false, not %', left(v_options ->> 'reads_input', 100)
      using errcode = 'PF011', hint = 'Leave it out where it is not known whether the step reads the run''s input.';
  end if;
  perform pgflow._check_condition_options(v_options, _step_options.deps_slugs);
  case _step_options.kind
    when 'signal' then perform pgflow._check_signal_options(v_options);
    when 'sleep' then perform pgflow._check_sleep_options(v_options, _step_options.deps_slugs);
    when 'loop' then perform pgflow._check_loop_options(v_options);
    when 'subflow' then perform pgflow._check_subflow_options(v_options);
    when 'pick' then perform pgflow._check_pick_options(v_options, _step_options.deps_slugs);
    else null;
  end case;
  return v_options - 'kind' - 'array';
end;
$$;
