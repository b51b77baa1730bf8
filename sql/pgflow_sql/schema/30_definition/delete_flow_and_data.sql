-- for: migrate
-- Deletes a flow with its queue, runs and everything else. For development; nothing that is generated calls it.
create function pgflow.delete_flow_and_data(p_flow_slug text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- no start, no completion comes between: each holds one of these while it writes
  perform 1 from pgflow.prepared_flows p where p.flow_slug = p_flow_slug for update;
  perform 1 from pgflow.runs r where r.flow_slug = p_flow_slug order by r.run_id for update;

  if exists (select 1 from pgmq.meta m where m.queue_name = p_flow_slug) then
    perform pgmq.drop_queue(p_flow_slug);
  end if;
  delete from pgflow.step_tasks t
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and t.run_id = r.run_id;
  delete from pgflow.step_states s where s.flow_slug = p_flow_slug;
  -- runs whose undos go have not been undone; what is done at their ends follows
  insert into pgflow.timers (due_at, kind, flow_slug, run_id, payload)
  select clock_timestamp(), 'companions', p.flow_slug, o.from_run_id,
    jsonb_build_object('number', o.attempt, 'undone', 'failed')
  from pgflow.runs r
  join pgflow.origins o on o.run_id = r.run_id and o.kind = 'undo'
  join pgflow.runs p on p.run_id = o.from_run_id
  where r.flow_slug = p_flow_slug and r.status = 'started';
  -- parents of its runs are told; what is theirs goes with them
  insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
  select o.from_run_id, o.step_slug, o.task_index, o.attempt, o.run_id
  from pgflow.origins o
  join pgflow.runs r on r.run_id = o.run_id
  where r.flow_slug = p_flow_slug and o.kind = 'child';
  delete from pgflow.ended_children e
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and e.run_id = r.run_id;
  delete from pgflow.origins o
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and o.run_id = r.run_id;
  delete from pgflow.late_results l
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and l.run_id = r.run_id;
  delete from pgflow.schedules c where c.flow_slug = p_flow_slug;
  delete from pgflow.timers i where i.flow_slug = p_flow_slug;
  delete from pgflow.waiting_signals w where w.flow_slug = p_flow_slug;
  delete from pgflow.signal_keys k
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and k.run_id = r.run_id;
  delete from pgflow.signals g
  using pgflow.runs r
  where r.flow_slug = p_flow_slug and g.run_id = r.run_id;
  delete from pgflow.actions a where a.flow_slug = p_flow_slug;
  delete from pgflow.runs r where r.flow_slug = p_flow_slug;
  delete from pgflow.deps d where d.flow_slug = p_flow_slug;
  delete from pgflow.steps st where st.flow_slug = p_flow_slug;
  delete from pgflow.flows f where f.flow_slug = p_flow_slug;
end;
$$;
