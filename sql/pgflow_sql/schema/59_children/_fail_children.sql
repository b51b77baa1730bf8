-- Fails the attempts of tasks (keys, with their fences) whose children have ended badly. A retry needs the message that
-- waiting tasks have not. Callers hold the runs.
create function pgflow._fail_children(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  error_messages text[],
  retryable boolean[]
)
returns void
language plpgsql
as $$
declare
  v_all bigint;  -- see 00_model/model.sql
begin
  perform pgflow._send_anew(_fail_children.run_ids, _fail_children.step_slugs, _fail_children.task_indexes, null);
  update pgflow.step_tasks t
  set status = 'started', started_at = greatest(t.started_at, t.queued_at)
  from (
    select *
    from unnest(_fail_children.run_ids, _fail_children.step_slugs, _fail_children.task_indexes)
      g(run_id, step_slug, task_index)
    limit v_all
  ) c
  where t.run_id = c.run_id and t.step_slug = c.step_slug and t.task_index = c.task_index and t.status = 'queued';
  perform 1 from pgflow._fail(
    _fail_children.worker_ids, _fail_children.run_ids, _fail_children.step_slugs, _fail_children.task_indexes,
    _fail_children.attempts, _fail_children.error_messages, _fail_children.retryable, null, true
  );
end;
$$;
