create function pgflow._check_signal_options(options jsonb)
returns void
language plpgsql
immutable
as $$
begin
  if (options ? 'deadline') and not pgflow._is_whole(options -> 'deadline', 1, 31536000) then
    raise exception 'deadline must be a whole number of seconds from 1 to 31,536,000, not %',
      left(options ->> 'deadline', 100)
      using errcode = 'PF011', hint = 'Leave it out, or give null, for a signal that is waited for as long as it takes.';
  end if;
  if (options ? 'key') and not pgflow._is_path(options -> 'key') then
    raise exception 'key must be a path in the run''s input, not %', left(options ->> 'key', 100)
      using errcode = 'PF011', hint = 'Give its keys, for example ["order_id"].';
  end if;
end;
$$;
