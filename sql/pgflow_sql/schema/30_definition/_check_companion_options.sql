-- Refuses options of a flow that say nothing of what follows its runs' ends: undo {"flow", "steps": {slug: {"by", "when"}},
-- "reads", "flow_input"}, ends {slug: {"on", "steps", "flow_input"}}, and of such a flow itself companion {"of"}.
create function pgflow._check_companion_options(options jsonb)
returns void
language plpgsql
immutable
as $$
declare
  v_wrong text;
begin
  v_wrong := case
    when options ? 'undo' and (
      jsonb_typeof(options #> '{undo,flow}') = 'string' and jsonb_typeof(options #> '{undo,steps}') = 'object'
      and options #> '{undo,steps}' <> '{}'
      and not exists (
        select 1
        from jsonb_each(case jsonb_typeof(options #> '{undo,steps}') when 'object' then options #> '{undo,steps}' end) s(slug, rule)
        where (
          jsonb_typeof(s.rule) = 'object' and jsonb_typeof(s.rule -> 'by') = 'string'
          and coalesce(s.rule ->> 'when', 'completed') in ('completed', 'started')
        ) is not true
      )
      and coalesce(jsonb_typeof(options #> '{undo,reads}'), 'array') = 'array'
    ) is not true then 'undo'
    when options ? 'ends' and (
      jsonb_typeof(options -> 'ends') = 'object'
      and not exists (
        select 1
        from jsonb_each(case jsonb_typeof(options -> 'ends') when 'object' then options -> 'ends' end) e(slug, rule)
        where (
          jsonb_typeof(e.rule) = 'object' and e.rule ->> 'on' in ('failed', 'cancelled', 'completed', 'always')
          and coalesce(jsonb_typeof(e.rule -> 'steps'), 'array') = 'array'
        ) is not true
      )
    ) is not true then 'ends'
    when options ? 'companion' and jsonb_typeof(options #> '{companion,of}') is distinct from 'string' then 'companion'
    when options ? 'companion' and options ?| array['undo', 'ends'] then 'companion beside undo or ends'
  end;
  if v_wrong is not null then
    raise exception 'The option % of a flow is not one: %', v_wrong, left((options -> split_part(v_wrong, ' ', 1))::text, 200)
      using errcode = 'PF011', hint = 'It is written by pgflow-gen build, for @flow.undo and @flow.end.';
  end if;
end;
$$;
