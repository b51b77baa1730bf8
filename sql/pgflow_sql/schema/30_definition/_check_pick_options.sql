-- Refuses what no pick can be: it is a path of the run's input, and depends on nothing.
create function pgflow._check_pick_options(options jsonb, deps_slugs text[])
returns void
language plpgsql
immutable
as $$
begin
  if not coalesce(pgflow._is_path(options -> 'pick'), false) then
    raise exception 'pick must be a path in the run''s input, not %', coalesce(left(options ->> 'pick', 100), 'missing')
      using errcode = 'PF011', hint = 'Give its keys, for example ["steps", "charge", "output"].';
  end if;
  if cardinality(deps_slugs) > 0 then
    raise exception 'A pick reads the run''s input only, and depends on no step'
      using errcode = 'PF011', hint = 'Leave the dependencies out.';
  end if;
end;
$$;
