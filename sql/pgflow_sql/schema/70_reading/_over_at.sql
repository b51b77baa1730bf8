-- Since when a step's open tasks are over without having ended: since the end of the step (it was skipped) or of
-- its run. Null: they are not. Readers show such tasks as cancelled; their rows keep the status they had.
create function pgflow._over_at(run_id uuid, step_slug text)
returns timestamptz
language plpgsql
stable
as $$
begin
  return (
    select least(
      coalesce(s.completed_at, s.failed_at, s.skipped_at, s.cancelled_at),
      coalesce(r.completed_at, r.failed_at, r.cancelled_at)
    )
    from pgflow.step_states s
    join pgflow.runs r on r.run_id = s.run_id
    where s.run_id = _over_at.run_id and s.step_slug = _over_at.step_slug
  );
end;
$$;
