-- The options of a flow as they are stored: without those that are null. Refuses unknown ones and wrong values.
create function pgflow._flow_options(options jsonb)
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb := pgflow._known_options('flow', _flow_options.options, array[
    'run_timeout', 'undo', 'ends', 'companion'
  ]);
begin
  if (v_options ? 'run_timeout') and not pgflow._is_whole(v_options -> 'run_timeout', 1, 31536000) then
    raise exception 'run_timeout must be a whole number of seconds from 1 to 31,536,000, not %',
      left(v_options ->> 'run_timeout', 100)
      using errcode = 'PF011', hint = 'Leave it out, or give null, for runs that may take as long as they like.';
  end if;
  perform pgflow._check_companion_options(v_options);
  return v_options;
end;
$$;
