-- What differs between two steps at one position of two shapes, numbered in the order of reporting; a step
-- may be missing on one side.
create function pgflow._compare_step_shapes(index int, a jsonb, b jsonb)
returns table (part int, text text)
language plpgsql
immutable
as $$
declare
  v_a_deps text;
  v_b_deps text;
begin
  if a is null then
    return query select 1,
      format('Step at index %s: missing in first shape (second has ''%s'')', index, b ->> 'slug');
    return;
  end if;
  if b is null then
    return query select 1,
      format('Step at index %s: missing in second shape (first has ''%s'')', index, a ->> 'slug');
    return;
  end if;

  select string_agg(d.slug, ', ' order by d.slug collate "C") into v_a_deps
  from jsonb_array_elements_text(coalesce(a -> 'dependencies', '[]')) d(slug);
  select string_agg(d.slug, ', ' order by d.slug collate "C") into v_b_deps
  from jsonb_array_elements_text(coalesce(b -> 'dependencies', '[]')) d(slug);

  return query
  select c.part, format('Step at index %s: %s', index, c.text)
  from (
    values
      (1, a ->> 'slug' is distinct from b ->> 'slug',
        format('slug differs ''%s'' vs ''%s''', a ->> 'slug', b ->> 'slug')),
      (2, a ->> 'stepType' is distinct from b ->> 'stepType',
        format('type differs ''%s'' vs ''%s''', a ->> 'stepType', b ->> 'stepType')),
      (3, v_a_deps is distinct from v_b_deps,
        format('dependencies differ [%s] vs [%s]', v_a_deps, v_b_deps)),
      -- a mode that one side does not name is no difference
      (4, a ->> 'whenUnmet' <> b ->> 'whenUnmet',
        format('whenUnmet differs ''%s'' vs ''%s''', a ->> 'whenUnmet', b ->> 'whenUnmet')),
      (5, a ->> 'whenExhausted' <> b ->> 'whenExhausted',
        format('whenExhausted differs ''%s'' vs ''%s''', a ->> 'whenExhausted', b ->> 'whenExhausted')),
      (6, a -> 'requiredInputPattern' is distinct from b -> 'requiredInputPattern',
        format('requiredInputPattern differs ''%s'' vs ''%s''',
          a -> 'requiredInputPattern', b -> 'requiredInputPattern')),
      (7, a -> 'forbiddenInputPattern' is distinct from b -> 'forbiddenInputPattern',
        format('forbiddenInputPattern differs ''%s'' vs ''%s''',
          a -> 'forbiddenInputPattern', b -> 'forbiddenInputPattern'))
  ) c(part, differs, text)
  where c.differs;
end;
$$;
