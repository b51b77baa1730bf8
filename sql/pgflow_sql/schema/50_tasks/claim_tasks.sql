-- for: worker
-- Reads messages and starts their tasks in one call over all flows of a process: worker_ids[i] serves
-- flow_slugs[i]. At most max_tasks rows in all, shared fairly: every flow gets its part first, what some leave
-- goes to the others; the order is random, so that no flow starves when there is less than one task for each.
-- Stopped and deprecated workers get nothing.
-- Inputs larger than max_bytes bytes of JSON together (64 MB) are left for the next call, but one task is always
-- given. null: they are measured only where much is stored of them. A task whose input cannot be put together fails, the
-- others are given.
create function pgflow.claim_tasks(
  worker_ids uuid[],
  flow_slugs text[],
  max_tasks int,
  visibility_timeout int default 2,
  flow_input_steps text[] default '{}',
  max_bytes int default null
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_after bigint[];
  v_open int[];
  v_still_open int[];
  v_left int := least(max_tasks, 1000000000);  -- quotas are sums of two
  v_index int;
  v_quota int;
  v_flows_left int;
  v_claimed record;
  v_claimed_flow_slugs text[];
  v_run_ids uuid[];
  v_step_slugs text[];
  v_task_indexes int[];
  v_has_large_values boolean := false;
begin
  if cardinality(claim_tasks.worker_ids) is distinct from cardinality(claim_tasks.flow_slugs) then
    raise exception 'worker_ids has % elements, flow_slugs has %',
      coalesce(cardinality(claim_tasks.worker_ids)::text, 'no'),
      coalesce(cardinality(claim_tasks.flow_slugs)::text, 'none')
      using errcode = 'PF005', hint = 'Pass one worker per flow.';
  end if;

  v_open := array[1];
  if cardinality(claim_tasks.worker_ids) <> 1 then
    v_open := array(
      select g.position from generate_series(1, cardinality(claim_tasks.worker_ids)) g(position) order by random()
    );
  end if;
  v_after := array_fill(0::bigint, array[cardinality(v_open)]);

  -- A second round only for queues that had more than their part.
  while coalesce(v_left, 0) > 0 and cardinality(v_open) > 0 loop
    v_flows_left := cardinality(v_open);
    v_still_open := '{}';
    foreach v_index in array v_open loop
      exit when v_left <= 0;
      v_quota := (v_left + v_flows_left - 1) / v_flows_left;  -- rounded up
      v_flows_left := v_flows_left - 1;
      v_claimed := pgflow._claim_from_queue(
        claim_tasks.worker_ids[v_index], claim_tasks.flow_slugs[v_index], v_quota, v_after[v_index],
        least(greatest(coalesce(visibility_timeout, 2), 0), 1000000000)
      );
      if v_claimed.run_ids is not null then
        v_claimed_flow_slugs := v_claimed_flow_slugs
          || array_fill(claim_tasks.flow_slugs[v_index], array[cardinality(v_claimed.run_ids)]);
        v_has_large_values := v_has_large_values or v_claimed.has_large_values;
      end if;
      v_run_ids := v_run_ids || v_claimed.run_ids;
      v_step_slugs := v_step_slugs || v_claimed.step_slugs;
      v_task_indexes := v_task_indexes || v_claimed.task_indexes;
      v_left := v_left - coalesce(cardinality(v_claimed.run_ids), 0);
      if v_claimed.message_count = v_quota then
        v_after[v_index] := v_claimed.last_msg_id;
        v_still_open := v_still_open || v_index;
      end if;
    end loop;
    v_open := v_still_open;
  end loop;

  if v_run_ids is null then
    return;
  end if;
  return query select t.* from pgflow._hand_out(
    v_claimed_flow_slugs, v_run_ids, v_step_slugs, v_task_indexes, claim_tasks.flow_input_steps,
    v_has_large_values, claim_tasks.max_bytes
  ) t;
end;
$$;
