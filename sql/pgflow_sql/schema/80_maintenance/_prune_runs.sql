-- Deletes ended runs with their messages, archived ones too, tasks and states. Callers pass ended runs only.
create function pgflow._prune_runs(run_ids uuid[])
returns void
language plpgsql
as $$
declare
  v_queue record;
begin
  for v_queue in
    select t.flow_slug, array_agg(t.message_id order by t.message_id) as ids
    from pgflow.step_tasks t
    where t.run_id = any(_prune_runs.run_ids) and t.message_id is not null
    group by t.flow_slug
    order by t.flow_slug
  loop
    if to_regclass(format('pgmq.%I', pgflow._queue_table(v_queue.flow_slug, 'q'))) is not null then
      execute format(
        'delete from pgmq.%I q where q.msg_id = any($1)', pgflow._queue_table(v_queue.flow_slug, 'q')
      ) using v_queue.ids;
      execute format(
        'delete from pgmq.%I a where a.msg_id = any($1)', pgflow._queue_table(v_queue.flow_slug, 'a')
      ) using v_queue.ids;
    end if;
  end loop;

  delete from pgflow.late_results l where l.run_id = any(_prune_runs.run_ids);
  delete from pgflow.timers i where i.run_id = any(_prune_runs.run_ids);
  delete from pgflow.waiting_signals w where w.run_id = any(_prune_runs.run_ids);
  delete from pgflow.signal_keys k where k.run_id = any(_prune_runs.run_ids);
  delete from pgflow.signals g where g.run_id = any(_prune_runs.run_ids);
  delete from pgflow.step_tasks t where t.run_id = any(_prune_runs.run_ids);
  delete from pgflow.step_states s where s.run_id = any(_prune_runs.run_ids);
  delete from pgflow.ended_children e where e.run_id = any(_prune_runs.run_ids) or e.child_run_id = any(_prune_runs.run_ids);
  delete from pgflow.origins o where o.run_id = any(_prune_runs.run_ids);
  delete from pgflow.runs r where r.run_id = any(_prune_runs.run_ids);
end;
$$;
