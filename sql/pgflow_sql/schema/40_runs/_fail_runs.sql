-- Fails one step and with it the run, for several runs: element i is the step that failed and why.
-- Callers hold the run locks and pass started runs only, each once.
create function pgflow._fail_runs(run_ids uuid[], step_slugs text[], error_messages text[])
returns void
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  update pgflow.step_states s
  set status = 'failed',
      failed_at = greatest(now(), s.created_at, s.started_at),
      error_message = f.error_message
  from (
    select *
    from unnest(_fail_runs.run_ids, _fail_runs.step_slugs, _fail_runs.error_messages)
      g(run_id, step_slug, error_message)
    limit v_all
  ) f
  where s.run_id = f.run_id and s.step_slug = f.step_slug;

  update pgflow.runs r
  set status = 'failed',
      failed_at = greatest(now(), r.started_at),
      error_message = f.error_message
  from (
    select * from unnest(_fail_runs.run_ids, _fail_runs.error_messages) g(run_id, error_message) limit v_all
  ) f
  where r.run_id = f.run_id;

  perform pgflow._send_events('step:failed', _fail_runs.run_ids, _fail_runs.step_slugs);
  perform pgflow._send_events('run:failed', _fail_runs.run_ids);
  perform pgflow._archive_open_tasks(_fail_runs.run_ids);
  perform pgflow._note_ends(_fail_runs.run_ids);
end;
$$;
