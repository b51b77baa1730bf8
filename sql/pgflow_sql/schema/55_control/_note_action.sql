-- Writes a call of a control function to the trail: for which runs (and what became of each), or for which flow.
-- The trail keeps no payloads: whoever calls it has cut long texts in the arguments.
create function pgflow._note_action(
  action text, actor text, flow_slug text, run_ids uuid[], outcomes text[], arguments jsonb
)
returns void
language plpgsql
as $$
declare
  v_outcome jsonb;
begin
  select jsonb_object_agg(o.outcome, o.run_count) into v_outcome
  from (
    select u.outcome, count(*) as run_count from unnest(_note_action.outcomes) u(outcome) group by u.outcome
  ) o;

  insert into pgflow.actions (actor, action, flow_slug, run_ids, run_count, arguments, outcome)
  values (
    left(_note_action.actor, 200),
    _note_action.action,
    coalesce(
      _note_action.flow_slug,
      (
        select min(r.flow_slug)
        from pgflow.runs r
        where r.run_id = any(_note_action.run_ids)
        having min(r.flow_slug) = max(r.flow_slug)
      )
    ),
    coalesce(_note_action.run_ids[1:20], '{}'),
    coalesce(cardinality(_note_action.run_ids), 0),
    coalesce(jsonb_strip_nulls(_note_action.arguments), '{}'),
    coalesce(v_outcome, '{}')
  );
end;
$$;
