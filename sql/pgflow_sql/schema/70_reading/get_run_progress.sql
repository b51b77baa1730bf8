-- for: client
-- What watchers of runs read again and again: get_run_with_states without the run's input, and without the
-- outputs the caller has already. known: {"<run id>": [slugs of steps whose output is known]}; such a step comes
-- without the key "output", every other completed one with it. A run that does not exist has no row. A started step has
-- "wait": {"waits_for": signal | sleep | time | round | child, "until", "key", "count"}, null while its tasks are queued or at work.
-- max_bytes: the outputs of a run that exceed it together, as they are stored (compressed), are left out; "left_out"
-- lists the slugs of their steps, null for the run's own. null: no limit, but a run whose outputs take more than 256
-- MB cannot be read so. Error messages end after 20,000 characters.
create function pgflow.get_run_progress(
  run_ids uuid[], known jsonb default '{}', max_bytes int default null
)
returns table (run_id uuid, progress jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.run_id, jsonb_build_object(
    'run', jsonb_build_object(
      'run_id', r.run_id,
      'flow_slug', r.flow_slug,
      'status', r.status,
      'output', case when not o.is_left_out then r.output end,
      'remaining_steps', r.remaining_steps,
      'started_at', r.started_at,
      'completed_at', r.completed_at,
      'failed_at', r.failed_at,
      'error_message', left(r.error_message, 20000),
      'cancelled_at', r.cancelled_at,
      'cancel_reason', left(r.cancel_reason, 20000),
      'held_at', case when r.status = 'started' then r.held_at end,
      'begins_at', case when r.status = 'started' then r.begins_at end,
      'origin', case when r.has_origin then (
        select jsonb_strip_nulls(jsonb_build_object(
          'kind', o.kind, 'from_run_id', o.from_run_id, 'step_slug', o.step_slug, 'task_index', o.task_index,
          'attempt', o.attempt, 'schedule_slug', o.schedule_slug, 'fire_at', o.fire_at, 'depth', o.depth
        ))
        from pgflow.origins o
        where o.run_id = r.run_id
      ) end
    ),
    'steps', coalesce(t.steps, '[]'),
    'left_out', case when o.is_left_out and r.output is not null then '[null]'::jsonb else '[]' end
      || coalesce(t.left_out, '[]')
  )
  from unnest(get_run_progress.run_ids) i(run_id)
  cross join lateral (
    select f.* from pgflow.runs f where f.run_id = i.run_id limit 1
  ) r
  cross join lateral (
    select
      case jsonb_typeof(get_run_progress.known -> r.run_id::text)
        when 'array' then get_run_progress.known -> r.run_id::text
        else '[]'
      end as step_slugs
  ) k
  cross join lateral (
    select
      r.status <> 'completed'
        or coalesce(pg_column_size(r.output), 0) > coalesce(get_run_progress.max_bytes, 2147483647) as is_left_out
  ) o
  cross join lateral (
    -- once a run, and of one that waits for nothing all there is to it
    select r.status = 'started' and exists (
      select 1 from pgflow.timers t where t.run_id = r.run_id and t.kind = 'wait'
    ) as has_timers
    offset 0
  ) w
  cross join lateral (
    select
      -- columns by name: to_jsonb(s) - 'output' would read the output from where it is stored
      jsonb_agg(
        jsonb_build_object(
          'step_slug', s.step_slug,
          'status', s.status,
          'remaining_tasks', s.remaining_tasks,
          'initial_tasks', s.initial_tasks,
          'remaining_deps', s.remaining_deps,
          'error_message', left(s.error_message, 20000),
          'skip_reason', s.skip_reason,
          'created_at', s.created_at,
          'started_at', s.started_at,
          'completed_at', s.completed_at,
          'failed_at', s.failed_at,
          'skipped_at', s.skipped_at,
          'cancelled_at', s.cancelled_at,
          'reused', s.reused
        )
        || case
          when s.status = 'started' and r.status = 'started'
            then jsonb_build_object('wait', case
              when s.kind <> 'task' or w.has_timers then pgflow._wait_of(s.run_id, s.step_slug, s.kind)
            end)
          else '{}'
        end
        || case
          when s.is_new and s.bytes_so_far <= coalesce(get_run_progress.max_bytes, s.bytes_so_far)
            then jsonb_build_object('output', s.output)
          else '{}'
        end
        order by s.step_index
      ) as steps,
      jsonb_agg(s.step_slug order by s.step_index) filter (
        where s.is_new and s.bytes_so_far > get_run_progress.max_bytes
      ) as left_out
    from (
      select l.*, st.step_index, st.kind, n.is_new,
        sum(case when n.is_new then coalesce(pg_column_size(l.output), 0) else 0 end) over (order by st.step_index)
          + coalesce(pg_column_size(r.output), 0) as bytes_so_far
      from pgflow.step_states l
      join pgflow.steps st on st.flow_slug = l.flow_slug and st.step_slug = l.step_slug
      cross join lateral (
        select l.status = 'completed' and not k.step_slugs ? l.step_slug as is_new
      ) n
      where l.run_id = r.run_id
    ) s
  ) t;
end;
$$;
