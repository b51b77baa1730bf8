-- What a run has done of a step, task by task, that can be undone: results, also such as came late, or of children that it
-- did not hear of, and with started = true attempts of which nobody knows what they did. Failures that are values are left
-- out, unless their attempts succeeded late, and what was taken over from another run. A step without tasks counts as one.
create function pgflow._undoable(run_id uuid, step_slug text, started boolean)
returns table (task_index int, attempt int, output jsonb, is_known boolean)
language plpgsql
stable
as $$
begin
  return query
  select t.task_index, t.attempts_count, case
      when d.is_own then t.output
      when l.is_completed then l.output
      else k.output
    end,
    d.is_own or l.is_completed is true or k.output is not null
  from pgflow.step_tasks t
  cross join lateral (select t.status = 'completed' and t.is_tolerated is not true as is_own) d
  left join lateral (
    select r.is_completed, r.output
    from pgflow.late_results r
    where r.run_id = t.run_id and r.step_slug = t.step_slug and r.task_index = t.task_index
      and r.attempt = t.attempts_count and r.is_completed
    limit 1
  ) l on true
  left join lateral (
    select coalesce(c.output, '{}') as output
    from pgflow.runs c
    where not d.is_own and c.run_id = pgflow._child_of(t) and c.status = 'completed'
    limit 1
  ) k on true
  where t.run_id = _undoable.run_id and t.step_slug = _undoable.step_slug
    and (
      d.is_own or l.is_completed is true or k.output is not null
      or _undoable.started and t.status <> 'completed' and t.attempts_count > 0
    )
  union all
  select e.task_index, e.attempt, e.output, true
  from pgflow.late_results e
  where e.run_id = _undoable.run_id and e.step_slug = _undoable.step_slug and e.is_completed
    and e.attempt <> (
      select t.attempts_count
      from pgflow.step_tasks t
      where t.run_id = e.run_id and t.step_slug = e.step_slug and t.task_index = e.task_index
    )
  union all
  select 0, 0, s.output, true
  from pgflow.step_states s
  join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
  where s.run_id = _undoable.run_id and s.step_slug = _undoable.step_slug and s.status = 'completed'
    and not s.reused and st.step_type = 'single'
    and not exists (
      select 1 from pgflow.step_tasks t where t.run_id = s.run_id and t.step_slug = s.step_slug
    );
end;
$$;
