-- What follows when steps (pairs with their flows, in started runs) have been completed or skipped: release the dependents,
-- resolve conditions and taskless steps, start what is ready, hand tasks over, complete runs.
-- count_steps: whether runs.remaining_steps still has to go down by these steps. has_large_values: false where
-- none of the flows has carried any; has_timeouts where none has one for its runs; has_conditions where none has a
-- condition, a map, or a step without a handler. Returns what was handed over.
create function pgflow._advance(
  flow_slugs text[],
  run_ids uuid[],
  step_slugs text[],
  worker_ids uuid[],
  hand_over int,
  count_steps boolean,
  has_large_values boolean,
  has_timeouts boolean,
  has_conditions boolean,
  out handed_flow_slugs text[],
  out handed_run_ids uuid[],
  out handed_step_slugs text[],
  out handed_task_indexes int[]
)
language plpgsql
as $$
declare
  v_to_settle uuid[];
  v_released record;
  v_started record;
  v_handed record;
begin
  if has_conditions then
    v_to_settle := pgflow._runs_to_settle(_advance.flow_slugs, _advance.run_ids, _advance.step_slugs);
  end if;
  v_released := pgflow._release_dependents(
    _advance.flow_slugs, _advance.run_ids, _advance.step_slugs, _advance.worker_ids, true, v_to_settle
  );

  if v_released.ready_run_ids is not null then
    select s.* into v_started
    from pgflow._settle(v_released.ready_run_ids, v_released.ready_step_slugs) p
    cross join lateral pgflow._start_steps(p.start_run_ids, p.start_step_slugs) s;

    v_released.started_worker_ids := v_released.started_worker_ids || array(
      -- any worker of the same run will do: it has just worked on it
      select _advance.worker_ids[array_position(_advance.run_ids, s.run_id)]
      from unnest(v_started.started_run_ids) with ordinality s(run_id, position)
      order by s.position
    );
    v_released.started_flow_slugs := v_released.started_flow_slugs || v_started.started_flow_slugs;
    v_released.started_task_counts := v_released.started_task_counts || v_started.started_task_counts;
    v_released.started_run_ids := v_released.started_run_ids || v_started.started_run_ids;
    v_released.started_step_slugs := v_released.started_step_slugs || v_started.started_step_slugs;
  end if;

  if v_released.started_run_ids is not null then
    if to_regnamespace('realtime') is not null then
      perform pgflow._send_events('step:started', v_released.started_run_ids, v_released.started_step_slugs);
    end if;
    v_handed := pgflow._spawn_tasks(
      v_released.started_flow_slugs, v_released.started_run_ids, v_released.started_step_slugs,
      v_released.started_worker_ids, v_released.started_task_counts, hand_over
    );
    handed_flow_slugs := v_handed.handed_flow_slugs;
    handed_run_ids := v_handed.handed_run_ids;
    handed_step_slugs := v_handed.handed_step_slugs;
    handed_task_indexes := v_handed.handed_task_indexes;
  end if;

  perform pgflow._finish_runs(_advance.run_ids, count_steps, has_large_values, has_timeouts);
end;
$$;
