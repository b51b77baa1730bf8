-- Starts the undo of an ended run; false if there is nothing to undo. rule: the option undo of its flow. Callers hold the
-- run.
create function pgflow._start_undo(of_run pgflow.runs, number int, rule jsonb)
returns boolean
language plpgsql
as $$
declare
  v_steps jsonb;
begin
  select jsonb_object_agg(u.slug, pgflow._step_to_undo((of_run).run_id, u.slug, u.rule)) into v_steps
  from jsonb_each(rule -> 'steps') u(slug, rule);
  if not jsonb_path_exists(v_steps, '$.*.done ? (@ == true)') then
    return false;
  end if;
  return pgflow._start_companion(
    rule ->> 'flow', 'undo', of_run, number, rule,
    pgflow._step_outputs((of_run).run_id, coalesce(rule -> 'reads', '[]')) || v_steps, 'nothing'
  );
end;
$$;
