create function pgflow._check_sleep_options(options jsonb, deps_slugs text[])
returns void
language plpgsql
immutable
as $$
begin
  if (options ? 'seconds') = (options ? 'until') then
    raise exception 'A sleep takes either seconds or until'
      using errcode = 'PF011', hint = 'Give one of the two.';
  end if;
  if (options ? 'seconds') and not pgflow._is_whole(options -> 'seconds', 0, 31536000) then
    raise exception 'seconds must be a whole number from 0 to 31,536,000, not %', left(options ->> 'seconds', 100)
      using errcode = 'PF011', hint = 'Use "until" for a sleep of more than a year.';
  end if;
  if (options ? 'until') and not pgflow._is_path(options -> 'until') then
    raise exception 'until must be a path in the run''s input or in a dependency, not %', left(options ->> 'until', 100)
      using errcode = 'PF011', hint = 'Give its keys, for example ["flow_input", "remind_at"].';
  end if;
  if options -> 'until' ->> 0 <> all(array['flow_input'] || deps_slugs) then
    raise exception 'A sleep cannot be until something of "%", on which it does not depend',
      left(options -> 'until' ->> 0, 100)
      using errcode = 'PF011', hint = 'Begin the path with flow_input or with a dependency.';
  end if;
end;
$$;
