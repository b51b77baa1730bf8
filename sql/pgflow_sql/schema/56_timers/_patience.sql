-- How long what has failed so often before, and once more just now, is left alone.
create function pgflow._patience(failures int)
returns interval
language sql
immutable
as $$
  select make_interval(secs => least(power(2::double precision, least(_patience.failures + 1, 20)), 3600));
$$;
