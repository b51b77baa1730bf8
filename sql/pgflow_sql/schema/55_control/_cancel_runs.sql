-- Cancels started runs: what is open of them, their steps and their tasks. Open tasks of skipped steps stay as they
-- are. Callers hold the runs, and pass each once.
create function pgflow._cancel_runs(run_ids uuid[], reason text)
returns void
language plpgsql
as $$
declare
  v_busy_flow_slugs text[];
  v_all bigint;  -- see 00_model/model.sql
begin
  perform pgflow._note_under_way(_cancel_runs.run_ids);
  -- Messages before tasks: whoever claims has a message when it asks for the task's row.
  perform pgflow._archive_open_tasks(_cancel_runs.run_ids);

  with cancelled as (
    update pgflow.step_tasks t
    set status = 'cancelled', cancelled_at = greatest(now(), t.queued_at, t.started_at)
    from (
      select s.run_id, s.step_slug
      from unnest(_cancel_runs.run_ids) i(run_id)
      cross join lateral (select * from pgflow.step_states l where l.run_id = i.run_id offset 0) s
      where s.status = 'started'
      limit v_all
    ) o
    where t.run_id = o.run_id and t.step_slug = o.step_slug and t.status in ('queued', 'started')
    returning t.flow_slug, t.started_at
  )
  select array_agg(distinct c.flow_slug) into v_busy_flow_slugs
  from cancelled c
  where c.started_at is not null;

  update pgflow.step_states s
  set status = 'cancelled', cancelled_at = greatest(now(), s.created_at, s.started_at)
  from (select i.run_id from unnest(_cancel_runs.run_ids) i(run_id) limit v_all) i
  where s.run_id = i.run_id and s.status in ('created', 'started');

  update pgflow.runs r
  set status = 'cancelled', cancelled_at = greatest(now(), r.started_at), cancel_reason = _cancel_runs.reason
  from (select i.run_id from unnest(_cancel_runs.run_ids) i(run_id) limit v_all) i
  where r.run_id = i.run_id;

  perform pgflow._send_events('run:cancelled', _cancel_runs.run_ids);
  perform pgflow._notify_control(v_busy_flow_slugs);
  perform pgflow._notify(null, _cancel_runs.run_ids);
  perform pgflow._note_ends(_cancel_runs.run_ids);
end;
$$;
