-- Arrays of one call describe the same elements; NULL counts as a missing array.
create function pgflow._check_lengths(expected int, names text[], lengths int[])
returns void
language plpgsql
as $$
declare
  v_wrong record;
begin
  select a.name, a.length into v_wrong
  from unnest(_check_lengths.names, _check_lengths.lengths) a(name, length)
  where a.length is distinct from _check_lengths.expected
  limit 1;
  if found then
    raise exception '% has % elements, run_ids has %',
      v_wrong.name, coalesce(v_wrong.length::text, 'no'), coalesce(_check_lengths.expected::text, 'none')
      using errcode = 'PF005', hint = 'Pass arrays of equal length, one element per task.';
  end if;
end;
$$;
