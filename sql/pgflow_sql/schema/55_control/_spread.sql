-- Over how many seconds what goes on again is spread; null: none. Refuses what is no time of at most a year.
create function pgflow._spread(spread double precision)
returns double precision
language plpgsql
immutable
as $$
begin
  if (coalesce(_spread.spread, 0) between 0 and 31536000) is not true then
    raise exception 'spread must be a number of seconds from 0 to 31,536,000, not %', _spread.spread
      using errcode = 'PF011', hint = 'Leave it out, or give 0, for all at once.';
  end if;
  return coalesce(_spread.spread, 0);
end;
$$;
