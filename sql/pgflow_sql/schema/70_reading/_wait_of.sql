-- What a started step waits for, and until when it does at the longest; null where its tasks are queued or at work. count: of
-- the runs that a subflow step waits for, 2 for any number above.
create function pgflow._wait_of(run_id uuid, step_slug text, kind text)
returns jsonb
language plpgsql
stable
as $$
declare
  v_count int;
begin
  if kind = 'signal' then
    return (
      select jsonb_build_object('waits_for', 'signal', 'until', w.deadline_at, 'key', w.key)
      from pgflow.waiting_signals w
      where w.run_id = _wait_of.run_id and w.step_slug = _wait_of.step_slug
    );
  end if;
  if kind = 'subflow' then
    select count(*) into v_count
    from (
      select 1
      from pgflow.step_tasks l
      where l.run_id = _wait_of.run_id and l.step_slug = _wait_of.step_slug and l.waits_for = 'child'
      limit 2
    ) l;
    if v_count > 0 then
      return jsonb_build_object(
        'waits_for', 'child', 'count', v_count,
        'until', (
          select min(t.due_at)
          from pgflow.timers t
          where t.run_id = _wait_of.run_id and t.step_slug = _wait_of.step_slug and t.kind = 'deadline'
        )
      );
    end if;
  end if;
  return (
    select jsonb_build_object(
      'waits_for',
      case t.kind when 'sleep' then 'sleep' else (
        select l.waits_for
        from pgflow.step_tasks l
        where l.run_id = t.run_id and l.step_slug = t.step_slug and l.task_index = t.task_index
      ) end,
      'until', t.due_at
    )
    from pgflow.timers t
    where t.run_id = _wait_of.run_id and t.step_slug = _wait_of.step_slug and t.kind in ('sleep', 'wait')
    order by t.due_at
    limit 1
  );
end;
$$;
