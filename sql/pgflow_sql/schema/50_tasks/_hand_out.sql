-- _task_results for tasks (keys with their flows) that this transaction has started: all at once, or one by one and
-- measured (_deliver) where one of the inputs cannot be put together, where the caller gave a budget, or where their
-- flows have carried large values and much is stored of them.
create function pgflow._hand_out(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  flow_input_steps text[],
  has_large_values boolean,
  max_bytes int
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  v_is_measured boolean := max_bytes is not null;
begin
  if has_large_values and not v_is_measured then
    v_is_measured := not pgflow._are_light(
      _hand_out.flow_slugs, _hand_out.run_ids, _hand_out.step_slugs, _hand_out.task_indexes,
      _hand_out.flow_input_steps
    );
  end if;
  if not v_is_measured then
    begin
      return query select t.* from pgflow._task_results(
        _hand_out.flow_slugs, _hand_out.run_ids, _hand_out.step_slugs, _hand_out.task_indexes,
        _hand_out.flow_input_steps
      ) t;
      return;
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
    end;
  end if;
  return query select t.* from pgflow._deliver(
    _hand_out.flow_slugs, _hand_out.run_ids, _hand_out.step_slugs, _hand_out.task_indexes,
    _hand_out.flow_input_steps, _hand_out.max_bytes
  ) t;
end;
$$;
