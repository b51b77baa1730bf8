-- Whether an error of this SQLSTATE says nothing about the data at hand: conflicts, a full disk, a server that
-- stops, a lock or a time-out. Repeating the same may well succeed.
create function pgflow._is_passing(sqlstate text)
returns boolean
language sql
immutable
as $$
  select left(_is_passing.sqlstate, 2) in ('08', '25', '40', '55', '57', '58')
    or _is_passing.sqlstate in ('53100', '53300', '53400');
$$;
