-- How a run ended, for the handlers of its companions. undone: nothing, completed or failed.
create function pgflow._run_end(run_id uuid, undone text)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select jsonb_build_object(
      'run_id', r.run_id,
      'status', r.status,
      'error', left(split_part(r.error_message, E'\n', 1), 500),
      'failed_step', f.step_slug,
      'failed_task', f.task_index,
      'reason', r.cancel_reason,
      'undone', _run_end.undone
    )
    from pgflow.runs r
    left join lateral pgflow.get_run_failure(r.run_id) f on true
    where r.run_id = _run_end.run_id
  );
end;
$$;
