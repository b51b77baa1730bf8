-- for: worker
-- Gives started tasks back to their queues, as if they had not been claimed: visible at once, attempt not
-- counted. Fenced as complete_tasks. Returns how many.
create function pgflow.release_tasks(
  worker_ids uuid[], run_ids uuid[], step_slugs text[], task_indexes int[], attempts int[]
)
returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_held boolean;  -- whether one of the runs is
  v_released record;
  v_all bigint;  -- see 00_model/model.sql
begin
  perform pgflow._check_lengths(
    cardinality(release_tasks.run_ids),
    array['worker_ids', 'step_slugs', 'task_indexes', 'attempts'],
    array[
      cardinality(release_tasks.worker_ids), cardinality(release_tasks.step_slugs),
      cardinality(release_tasks.task_indexes), cardinality(release_tasks.attempts)
    ]
  );
  select bool_or(l.held_at is not null) into v_is_held
  from (
    select r.held_at
    from pgflow.runs r
    where r.run_id = any(release_tasks.run_ids)
    order by r.run_id
    for no key update
  ) l;

  with released as (
    update pgflow.step_tasks t
    set status = 'queued', started_at = null, attempts_count = t.attempts_count - 1
    from (
      select u.*
      from unnest(
        release_tasks.worker_ids, release_tasks.run_ids, release_tasks.step_slugs,
        release_tasks.task_indexes, release_tasks.attempts
      ) u(worker_id, run_id, step_slug, task_index, attempt)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = u.run_id limit 1) r
      cross join lateral (
        select l.status
        from pgflow.step_states l
        where l.run_id = u.run_id and l.step_slug = u.step_slug
        limit 1
      ) s
      where r.status = 'started' and s.status = 'started'
      limit v_all
    ) g
    where t.run_id = g.run_id
      and t.step_slug = g.step_slug
      and t.task_index = g.task_index
      and t.status = 'started'
      and t.last_worker_id = g.worker_id
      and t.attempts_count = g.attempt
    returning t.flow_slug, t.message_id
  )
  select array_agg(r.flow_slug) as flow_slugs, array_agg(r.message_id) as msg_ids,
    array_agg(0) as delays, count(*)::int as task_count
  into v_released
  from released r;

  perform pgflow._send_back(v_released.flow_slugs, v_released.msg_ids, v_released.delays);
  if v_released.task_count < cardinality(release_tasks.run_ids) then
    perform pgflow._note_late(
      release_tasks.worker_ids, release_tasks.run_ids, release_tasks.step_slugs, release_tasks.task_indexes,
      release_tasks.attempts, null, false, true
    );
  end if;
  if v_is_held then
    perform pgflow._keep_held(release_tasks.run_ids);
  end if;
  perform pgflow._notify(v_released.flow_slugs, null);
  return v_released.task_count;
end;
$$;
