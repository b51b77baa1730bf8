-- Results, or failures, of tasks that were under way when their runs ended, or their steps were skipped: those that an undo
-- may wait for are kept, and with the last of an ended run its undo is due. fenced as in _complete. Callers hold the runs.
create function pgflow._note_late(
  worker_ids uuid[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  outputs jsonb[],
  is_completed boolean,
  fenced boolean
)
returns void
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_all bigint;  -- see 00_model/model.sql
begin
  with reported as (
    update pgflow.late_results l
    set reported_at = clock_timestamp(), is_completed = _note_late.is_completed, output = g.output
    from (
      select *
      from unnest(
        _note_late.worker_ids, _note_late.run_ids, _note_late.step_slugs, _note_late.task_indexes, _note_late.attempts,
        _note_late.outputs
      ) u(worker_id, run_id, step_slug, task_index, attempt, output)
      limit v_all
    ) g
    where l.run_id = g.run_id and l.step_slug = g.step_slug and l.task_index = g.task_index
      and l.reported_at is null
      and case when _note_late.fenced then l.worker_id = g.worker_id and l.attempt = g.attempt else not exists (
        select 1
        from pgflow.late_results n
        where n.run_id = l.run_id and n.step_slug = l.step_slug and n.task_index = l.task_index and n.attempt > l.attempt
      ) end
      -- once its companions have started, nothing is added to what they got
      and (
        (select r.status from pgflow.runs r where r.run_id = l.run_id) = 'started'
        or exists (select 1 from pgflow.timers t where t.run_id = l.run_id and t.kind = 'companions')
      )
    returning l.run_id
  )
  select array_agg(distinct r.run_id) into v_run_ids from reported r;
  if v_run_ids is null then
    return;
  end if;
  update pgflow.timers t
  set due_at = clock_timestamp()
  where t.run_id = any(v_run_ids) and t.kind = 'companions'
    and not exists (
      select 1
      from pgflow.late_results l
      where l.run_id = t.run_id and l.reported_at is null and l.patience_ends_at > clock_timestamp()
    );
  perform pgflow._notify(pgflow._flows_of(v_run_ids), null);
end;
$$;
