-- Why a worker's result was refused, where its run or step is over: as the input of a stale task_result. Null:
-- the task has gone to another attempt, or is stored already.
create function pgflow._why_refused(run_id uuid, step_slug text)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    select case
      when r.status = 'failed' then to_jsonb('the run has failed'::text)
      when r.status = 'cancelled' then to_jsonb('the run was cancelled'::text)
      when s.status = 'skipped' then to_jsonb('the step was skipped'::text)
    end
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    where s.run_id = _why_refused.run_id and s.step_slug = _why_refused.step_slug
  );
end;
$$;
