-- Refuses what a loop cannot have: it needs a limit of rounds.
create function pgflow._check_loop_options(options jsonb)
returns void
language plpgsql
immutable
as $$
begin
  if not pgflow._is_whole(options -> 'max_rounds', 1, 100000) then
    raise exception 'max_rounds must be a whole number from 1 to 100,000, not %',
      coalesce(left(options ->> 'max_rounds', 100), 'missing')
      using errcode = 'PF011', hint = 'A loop says how often it may go round at most.';
  end if;
  if options ? 'every' and not pgflow._is_whole(options -> 'every', 1, 31536000) then
    raise exception 'every must be a whole number of seconds from 1 to 31,536,000, not %', left(options ->> 'every', 100)
      using errcode = 'PF011', hint = 'Leave it out for rounds that follow each other at once.';
  end if;
  if options ? 'deadline' and not pgflow._is_whole(options -> 'deadline', 1, 31536000) then
    raise exception 'deadline must be a whole number of seconds from 1 to 31,536,000, not %',
      left(options ->> 'deadline', 100)
      using errcode = 'PF011', hint = 'Leave it out where all rounds together may take as long as they like.';
  end if;
end;
$$;
