-- for: worker
-- Ends a round of many loops, whose handlers asked to be called again; element i counts only if its task is started by
-- worker i in attempt i. The state is what the next round receives; it begins after delays_ms[i] milliseconds, null: what
-- the step's "every" says. It is no failure, and attempts count afresh. Returns only what is out of the ordinary:
-- 'stale' (refused, nothing changed), 'failed', 'skipped' or 'tolerated' (that was the last round: when_exhausted), and up
-- to hand_over rows 'claimed': next rounds without delay, started for the same worker.
create function pgflow.again_tasks(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  states jsonb[],
  delays_ms bigint[] default null,
  hand_over int default 0,
  flow_input_steps text[] default '{}'
)
returns setof pgflow.task_result
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_hand_over int := again_tasks.hand_over;
begin
  perform pgflow._check_lengths(
    cardinality(again_tasks.run_ids),
    array['worker_ids', 'step_slugs', 'task_indexes', 'attempts', 'states', 'delays_ms'],
    array[
      cardinality(again_tasks.worker_ids), cardinality(again_tasks.step_slugs),
      cardinality(again_tasks.task_indexes), cardinality(again_tasks.attempts), cardinality(again_tasks.states),
      coalesce(cardinality(again_tasks.delays_ms), cardinality(again_tasks.run_ids))
    ]
  );
  if exists (
    select 1
    from pgflow.workers w
    where w.worker_id = any(again_tasks.worker_ids)
      and w.last_heartbeat_at < clock_timestamp() - interval '5 seconds'
  ) then
    if not pgflow._note_life(again_tasks.worker_ids) then
      v_hand_over := 0;  -- its next claim tells it to register again
    end if;
  end if;
  return query select a.* from pgflow._again(
    again_tasks.worker_ids, again_tasks.run_ids, again_tasks.step_slugs, again_tasks.task_indexes,
    again_tasks.attempts, again_tasks.states, again_tasks.delays_ms, v_hand_over, again_tasks.flow_input_steps
  ) a;
end;
$$;
