-- Refuses conditions among a step's options that are none: if_any and if_not_any are lists of patterns, if_ran and
-- if_skipped name dependencies of the step.
create function pgflow._check_condition_options(options jsonb, deps_slugs text[])
returns void
language plpgsql
immutable
as $$
declare
  v_key text;
  v_stranger text;
begin
  foreach v_key in array array['if_any', 'if_not_any', 'if_ran', 'if_skipped'] loop
    continue when not options ? v_key;
    if jsonb_typeof(options -> v_key) <> 'array' or options -> v_key = '[]' or exists (
      select 1
      from jsonb_array_elements(case jsonb_typeof(options -> v_key) when 'array' then options -> v_key else '[]' end) e(item)
      where jsonb_typeof(e.item) <> case when v_key in ('if_any', 'if_not_any') then 'object' else 'string' end
    ) then
      raise exception '% must be a list of %, not %', v_key,
        case when v_key in ('if_any', 'if_not_any') then 'patterns' else 'steps' end,
        left(options ->> v_key, 100)
        using errcode = 'PF011', hint = 'Leave it out where there is no such condition.';
    end if;
    continue when v_key in ('if_any', 'if_not_any');
    select s.slug into v_stranger
    from jsonb_array_elements_text(options -> v_key) s(slug)
    where s.slug <> all(deps_slugs)
    limit 1;
    if found then
      raise exception '% names "%", which the step does not depend on', v_key, left(v_stranger, 200)
        using errcode = 'PF011', hint = 'Name dependencies of the step only: it is judged when they have ended.';
    end if;
  end loop;
end;
$$;
