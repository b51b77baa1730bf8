-- These options without those that are null; refuses what is no object of known keys.
create function pgflow._known_options(owner text, options jsonb, known text[])
returns jsonb
language plpgsql
immutable
as $$
declare
  v_options jsonb := coalesce(_known_options.options, '{}');
  v_unknown text;
begin
  if jsonb_typeof(v_options) <> 'object' then
    raise exception 'The options of a % are an object, not %', owner, left(v_options::text, 100)
      using errcode = 'PF011', hint = format('Pass an object whose keys are among: %s.', coalesce(nullif(array_to_string(known, ', '), ''), 'none'));
  end if;
  select k.key into v_unknown from jsonb_object_keys(v_options) k(key) where k.key <> all(known) limit 1;
  if found then
    raise exception 'A % has no option "%"', owner, left(v_unknown, 100)
      using errcode = 'PF011',
        hint = format('It takes %s. A newer program needs a newer core: run pgflow-gen migrate.', coalesce(nullif(array_to_string(known, ', '), ''), 'none'));
  end if;
  -- not jsonb_strip_nulls, which would take those within a pattern as well
  return (
    select coalesce(jsonb_object_agg(e.key, e.value) filter (where e.value <> 'null'), '{}') from jsonb_each(v_options) e
  );
end;
$$;
