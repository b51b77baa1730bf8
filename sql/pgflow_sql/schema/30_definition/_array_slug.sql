-- The dependency that a step goes over, if it is a map; null: the run's input. array_option: what its options say, which
-- a map says only where it has other dependencies.
create function pgflow._array_slug(step_slug text, step_type text, deps_slugs text[], array_option text)
returns text
language plpgsql
immutable
as $$
begin
  if array_option is null then
    if step_type = 'map' and cardinality(deps_slugs) > 1 then
      raise exception 'Map step "%" can have at most one dependency, but % were provided: %',
        step_slug, cardinality(deps_slugs), array_to_string(deps_slugs, ', ');
    end if;
    return case when step_type = 'map' then deps_slugs[1] end;
  end if;
  if step_type <> 'map' then
    raise exception 'Step "%" goes over no array: it is no map', step_slug
      using errcode = 'PF011', hint = 'Leave the option "array" out, or make the step a map.';
  end if;
  if array_option = any(deps_slugs) then
    return array_option;
  end if;
  if array_option <> 'flow_input' then
    raise exception 'Map step "%" cannot go over "%", on which it does not depend', step_slug, left(array_option, 200)
      using errcode = 'PF011', hint = 'Name one of its dependencies, or flow_input for the run''s input.';
  end if;
  return null;
end;
$$;
