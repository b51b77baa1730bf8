-- Starts the tasks of messages the caller owns (has locked): element i is a message and the worker who wants
-- it; its task is found by the key in the message's body. Only queued tasks of started steps of started runs
-- start. Returns, in order, the keys of those that did and how long their messages have to stay invisible.
create function pgflow._start_tasks(
  worker_ids uuid[],
  flow_slugs text[],
  msg_ids bigint[],
  run_ids uuid[],
  step_slugs text[],
  task_indexes int[],
  out started_flow_slugs text[],
  out started_msg_ids bigint[],
  out started_run_ids uuid[],
  out started_step_slugs text[],
  out started_task_indexes int[],
  out vt_offsets int[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_all bigint;  -- see 0001_model.sql
begin
  with started as (
    update pgflow.step_tasks t
    set status = 'started',
        started_at = greatest(now(), t.queued_at),
        attempts_count = t.attempts_count + 1,
        last_worker_id = m.worker_id
    from (
      select g.*, coalesce(st.opt_timeout, f.opt_timeout) + 2 as vt_offset
      from unnest(
        _start_tasks.worker_ids, _start_tasks.flow_slugs, _start_tasks.msg_ids,
        _start_tasks.run_ids, _start_tasks.step_slugs, _start_tasks.task_indexes
      ) with ordinality g(worker_id, flow_slug, msg_id, run_id, step_slug, task_index, position)
      cross join lateral (select l.status from pgflow.runs l where l.run_id = g.run_id limit 1) r
      cross join lateral (
        select l.status
        from pgflow.step_states l
        where l.run_id = g.run_id and l.step_slug = g.step_slug
        limit 1
      ) s
      cross join lateral (
        select l.opt_timeout from pgflow.steps l
        where l.flow_slug = g.flow_slug and l.step_slug = g.step_slug
        limit 1
      ) st
      cross join lateral (select l.opt_timeout from pgflow.flows l where l.flow_slug = g.flow_slug limit 1) f
      where r.status = 'started' and s.status = 'started'
      limit v_all
    ) m
    where t.run_id = m.run_id
      and t.step_slug = m.step_slug
      and t.task_index = m.task_index
      and t.flow_slug = m.flow_slug
      and t.message_id = m.msg_id
      and t.status = 'queued'
    returning t.flow_slug, t.message_id, t.run_id, t.step_slug, t.task_index, m.position, m.vt_offset
  ),
  sorted as (select * from started s order by s.position)
  select
    array_agg(s.flow_slug), array_agg(s.message_id), array_agg(s.run_id), array_agg(s.step_slug),
    array_agg(s.task_index), array_agg(s.vt_offset)
  into started_flow_slugs, started_msg_ids, started_run_ids, started_step_slugs,
    started_task_indexes, vt_offsets
  from sorted s;
end;
$$;
