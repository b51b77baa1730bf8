-- Starts the tasks of messages of one flow that the caller owns (has locked); the task of a message is found by
-- the key in its body. Only queued tasks of started steps of started runs start, and none of a paused flow. Returns, in order, the keys of
-- those that did and how long their messages have to stay invisible.
create function pgflow._start_tasks(
  worker_id uuid,
  flow_slug text,
  msg_ids bigint[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  out started_msg_ids bigint[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_task_indexes int[],
  out vt_offsets int[],
  out has_large_values boolean
)
language plpgsql
as $$
declare
  v_slugs text[];    -- of the flow's steps
  v_vt_offsets int[];  -- of the same
  v_is_paused boolean;
  v_all bigint;  -- see 00_model/model.sql
begin
  select p.step_slugs, p.vt_offsets, p.has_large_values, p.is_paused
  into v_slugs, v_vt_offsets, has_large_values, v_is_paused
  from pgflow.prepared_flows p
  where p.flow_slug = _start_tasks.flow_slug;
  if v_is_paused then
    return;
  end if;

  with started as (
    update pgflow.step_tasks t
    set status = 'started',
        started_at = greatest(now(), t.queued_at),
        attempts_count = t.attempts_count + 1,
        last_worker_id = _start_tasks.worker_id
    from (
      select g.*
      from unnest(
        _start_tasks.msg_ids, _start_tasks.run_ids, _start_tasks.step_slugs, _start_tasks.task_indexes
      ) with ordinality g(msg_id, run_id, step_slug, task_index, position)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
      cross join lateral (
        select l.status
        from pgflow.step_states l
        where l.run_id = g.run_id and l.step_slug = g.step_slug
        limit 1
      ) s
      where r.status = 'started' and s.status = 'started'
      limit v_all
    ) m
    where t.run_id = m.run_id
      and t.step_slug = m.step_slug
      and t.task_index = m.task_index
      and t.flow_slug = _start_tasks.flow_slug
      and t.message_id = m.msg_id
      and t.status = 'queued'
    returning t.message_id, t.run_id, t.step_slug, t.task_index, m.position
  ),
  sorted as (
    select s.*, v_vt_offsets[array_position(v_slugs, s.step_slug)] as vt_offset
    from started s
    order by s.position
  )
  select
    array_agg(s.message_id), array_agg(s.run_id), array_agg(s.step_slug), array_agg(s.task_index),
    array_agg(s.vt_offset)
  into started_msg_ids, started_run_ids, started_step_slugs, started_task_indexes, vt_offsets
  from sorted s;
end;
$$;
