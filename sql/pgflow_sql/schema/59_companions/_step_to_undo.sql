-- What the undo of an ended run is told of a step that can be undone: whether there is something to undo, which tasks that
-- is about, as pairs [task_index, attempt], and the output. Of a map that is what its step has given, for handlers of other
-- steps, and elements is what there is to undo, null for those of which nobody knows what they did. A single step is undone
-- by one task: of several attempts that did something the latest counts that is known.
create function pgflow._step_to_undo(run_id uuid, step_slug text, rule jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
  v_step record;
  v_left record;
  v_told jsonb;
begin
  select st.step_type = 'map' as is_map, s.status, s.output, coalesce(s.output ? '$failed', false) as is_failure
  into v_step
  from pgflow.step_states s
  join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
  where s.run_id = _step_to_undo.run_id and s.step_slug = _step_to_undo.step_slug;

  select
    jsonb_agg(
      case when e.is_known then coalesce(e.output, 'null') else 'null' end order by e.task_index, e.attempt
    ) as outputs,
    jsonb_agg(jsonb_build_array(e.task_index, e.attempt) order by e.task_index, e.attempt) as tasks,
    bool_and(e.is_known) as is_known
  into v_left
  from (
    select u.*, row_number() over (order by u.is_known desc, u.attempt desc) as place
    from pgflow._undoable(_step_to_undo.run_id, _step_to_undo.step_slug, rule ->> 'when' = 'started') u
    where (u.task_index, u.attempt) not in (
      select b.task_index, b.attempt
      from pgflow._undone_before(_step_to_undo.run_id, _step_to_undo.step_slug, rule ->> 'by') b
    )
  ) e
  where v_step.is_map or e.place = 1;

  v_told := jsonb_build_object('done', v_left.tasks is not null);
  if v_left.tasks is not null then
    v_told := v_told || jsonb_build_object('tasks', v_left.tasks) || case
      when v_step.is_map then jsonb_build_object('elements', v_left.outputs)
      when v_left.is_known then jsonb_build_object('output', v_left.outputs -> 0)
      else '{}'
    end;
    if not v_step.is_map then
      return v_told;
    end if;
  end if;
  if v_step.status <> 'completed' or not v_step.is_map and v_step.is_failure then
    return v_told;
  end if;
  return v_told || jsonb_build_object('output', case when v_step.is_map then (
    select coalesce(jsonb_agg(i.item order by i.position), '[]')
    from jsonb_array_elements(v_step.output) with ordinality i(item, position)
    where (jsonb_typeof(i.item) = 'object' and i.item ? '$failed') is not true
  ) else coalesce(v_step.output, 'null') end);
end;
$$;
