-- Tasks of runs that are retried (keys, with their attempts) wait for the children that they had: of those that have
-- completed they are told, those that failed or were cancelled are retried in place, in run i after delays[i] seconds; one
-- that is under way goes on. Callers hold the runs.
create function pgflow._take_up_children(
  parent_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  attempts int[],
  run_ids uuid[],
  delays double precision[]
)
returns void
language plpgsql
as $$
declare
  v_ended record;
begin
  with children as (
    select o.*, c.status
    from unnest(
      _take_up_children.parent_ids, _take_up_children.step_slugs, _take_up_children.task_indexes,
      _take_up_children.attempts
    ) p(run_id, step_slug, task_index, attempt)
    cross join lateral (
      select *
      from pgflow.origins l
      where l.kind = 'child' and l.from_run_id = p.run_id and l.step_slug = p.step_slug
        and l.task_index = p.task_index and l.attempt = p.attempt
      limit 1
    ) o
    cross join lateral (select l.status from pgflow.runs l where l.run_id = o.run_id limit 1) c
  ),
  told as (
    insert into pgflow.ended_children (run_id, step_slug, task_index, attempt, child_run_id)
    select c.from_run_id, c.step_slug, c.task_index, c.attempt, c.run_id
    from children c
    where c.status = 'completed'
  )
  select array_agg(i.run_id) as run_ids, array_agg(i.delay) as delays
  into v_ended
  from unnest(_take_up_children.run_ids, _take_up_children.delays) i(run_id, delay)
  where i.run_id in (select c.from_run_id from children c where c.status in ('failed', 'cancelled'));
  if v_ended.run_ids is not null then
    perform pgflow._set_children_timers('retry_children', v_ended.run_ids, null, v_ended.delays);
  end if;
end;
$$;
