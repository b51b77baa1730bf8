-- The planner settings of the functions that workers and clients call all the time (no plan may depend on
-- statistics: see 00_model/model.sql). Applied after every migration, as "create or replace" forgets them.
do $$
declare
  v_name text;
begin
  foreach v_name in array array[
    'announce_idle',
    'cancel_runs',
    'cancel_runs_where',
    'again_tasks',
    'claim_tasks',
    'complete_task',
    'complete_tasks',
    'count_runs_where',
    'fail_task',
    'fail_tasks',
    'fire_timers',
    'fork_run',
    'get_run_progress',
    'get_run_with_states',
    'heartbeat_workers',
    'hold_runs',
    'hold_runs_where',
    'recover_stalled_tasks',
    'release_runs',
    'release_runs_where',
    'release_tasks',
    'retry_runs',
    'retry_runs_where',
    'send_signal_by_key',
    'send_signals',
    'start_flow',
    'start_flows',
    'start_tasks',
    'started_tasks',
    'unwatch_runs',
    'watch_runs',
    'withdraw_idle'
  ]
  loop
    execute format(
      'alter function pgflow.%I set plan_cache_mode = force_generic_plan set enable_hashjoin = off'
      ' set enable_mergejoin = off set enable_material = off set enable_memoize = off'
      ' set enable_seqscan = off set jit = off',
      v_name
    );
  end loop;
end;
$$;
