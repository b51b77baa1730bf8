-- How many runs a page has; null: as many as one may have.
create function pgflow._page_size(max_runs int)
returns int
language plpgsql
immutable
as $$
begin
  if max_runs not between 1 and 1000 then
    raise exception 'max_runs must be from 1 to 1,000, not %', max_runs
      using errcode = 'PF011', hint = 'Leave it out, and call again with last_id until that is null.';
  end if;
  return coalesce(max_runs, 1000);
end;
$$;
