-- Each of these slugs once, sorted; in nearly every call all are the same.
create function pgflow._distinct(slugs text[])
returns text[]
language plpgsql
immutable
as $$
begin
  if _distinct.slugs[1] = all(_distinct.slugs) then
    return _distinct.slugs[1:1];
  end if;
  return array(select distinct s.slug from unnest(_distinct.slugs) s(slug) order by s.slug);
end;
$$;
