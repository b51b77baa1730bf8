-- for: client
-- One task with what it got from its array (null where it is no map's), what it gave, and what a loop's round got of
-- the one before (state); null if unknown. With max_chars these are texts, the start of their JSON; null also where a value takes more than max_bytes bytes as
-- it is stored, or cannot be written. One that was open when its step or run ended is cancelled: ended_at says
-- since when.
create function pgflow.get_task(
  run_id uuid, step_slug text, task_index int, max_bytes int default null, max_chars int default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select to_jsonb(p) || jsonb_build_object(
      'status', case when o.over_at is null then t.status else 'cancelled' end,
      'ended_at', coalesce(
        t.completed_at, t.failed_at, t.cancelled_at,
        case when o.over_at is not null then greatest(o.over_at, t.started_at) end
      )
    ) || case
      when get_task.max_chars is null then jsonb_build_object(
        'element', v.element, 'output', t.output, 'state', t.state
      )
      else jsonb_build_object(
        'element', pgflow._shown(v.element, get_task.max_bytes, get_task.max_chars),
        'output', pgflow._shown(t.output, get_task.max_bytes, get_task.max_chars),
        'state', pgflow._shown(t.state, get_task.max_bytes, get_task.max_chars)
      )
    end
    from pgflow.step_tasks t
    join pgflow.runs r on r.run_id = t.run_id
    join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
    left join lateral (
      select e.dep_slug as array_slug, s.output
      from pgflow.deps e
      join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = e.dep_slug
      where e.flow_slug = t.flow_slug and e.step_slug = t.step_slug and e.is_array
    ) d on true
    cross join lateral (
      select case when t.status in ('queued', 'started') then pgflow._over_at(t.run_id, t.step_slug) end as over_at
    ) o
    cross join lateral (
      select case
        when st.step_type <> 'map' then null
        when t.element is not null then t.element
        when d.array_slug is null then r.input -> t.task_index
        else d.output -> t.task_index
      end as element
    ) v
    cross join lateral (
      select t.flow_slug, t.run_id, t.step_slug, t.message_id, t.task_index, t.status, t.attempts_count,
        left(t.error_message, 20000) as error_message, t.queued_at, t.started_at, t.completed_at, t.failed_at,
        t.last_worker_id, t.requeued_count, t.last_requeued_at, t.permanently_stalled_at, t.again_count,
        t.attempt_errors, case when o.over_at is null then t.waits_for end as waits_for,
        case when o.over_at is null and t.waits_for in ('time', 'round') then pgflow._due_at(t) end as due_at,
        t.cancelled_at, t.forgiven_count, t.is_tolerated, t.round
    ) p
    where t.run_id = get_task.run_id
      and t.step_slug = get_task.step_slug
      and t.task_index = get_task.task_index
  );
end;
$$;
