-- _task_results for tasks (keys with their flows) that this transaction has started, one by one and measured (see
-- _hand_out). Inputs of at most max_bytes bytes of JSON are handed out, of a single task also more; the start
-- of the others is taken back. A task whose input cannot be put together or is larger than PostgreSQL could send
-- fails without a retry; where another session has its run just now, that is left to the next claim.
create function pgflow._deliver(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  flow_input_steps text[],
  max_bytes int
)
returns setof pgflow.task_result
language plpgsql
as $$
declare
  c_most constant bigint := 536870912;  -- a message to a client ends at 1 GB
  v_left bigint := coalesce(max_bytes, 67108864);
  v_task pgflow.task_result;
  v_bytes bigint;
  v_reason text;
  v_count int := 0;
  v_after int[] := '{}';      -- positions beyond the budget
  v_poisoned int[] := '{}';   -- positions of tasks that fail
  v_reasons text[] := '{}';   -- of the same
begin
  for v_place in 1 .. cardinality(run_ids) loop
    if v_count > 0 and v_left <= 0 then
      v_after := v_after || v_place;
      continue;
    end if;
    begin
      select t.* into v_task
      from pgflow._task_results(
        _deliver.flow_slugs[v_place:v_place], _deliver.run_ids[v_place:v_place],
        _deliver.step_slugs[v_place:v_place], _deliver.task_indexes[v_place:v_place], _deliver.flow_input_steps
      ) t;
      v_bytes := coalesce(octet_length(v_task.input::text), 0)::bigint
        + coalesce(octet_length(v_task.flow_input::text), 0) + coalesce(octet_length(v_task.state::text), 0);
      v_reason := case when v_bytes > c_most then format(
        'it takes %s bytes of JSON, at most %s can be sent', trim(to_char(v_bytes, '999,999,999,999')),
        trim(to_char(c_most, '999,999,999,999'))
      ) end;
    exception when others then
      if pgflow._is_passing(sqlstate) then
        raise;
      end if;
      v_reason := format('%s (%s)', sqlerrm, sqlstate);
    end;
    if v_reason is not null then
      v_poisoned := v_poisoned || v_place;
      v_reasons := v_reasons || v_reason;
    elsif v_count = 0 or v_bytes <= v_left then
      return next v_task;
      v_count := v_count + 1;
      v_left := v_left - v_bytes;
    else
      v_after := v_after || v_place;
      v_left := 0;  -- whatever comes later keeps its turn
    end if;
  end loop;

  if v_after <> '{}' then
    perform pgflow._unstart(
      array(select run_ids[p] from unnest(v_after) p),
      array(select step_slugs[p] from unnest(v_after) p),
      array(select task_indexes[p] from unnest(v_after) p), 0
    );
  end if;
  for v_number in 1 .. cardinality(v_poisoned) loop
    perform pgflow._fail_undeliverable(
      run_ids[v_poisoned[v_number]], step_slugs[v_poisoned[v_number]], task_indexes[v_poisoned[v_number]],
      v_reasons[v_number]
    );
  end loop;
end;
$$;
