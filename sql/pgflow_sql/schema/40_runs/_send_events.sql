-- The only place that sends events: one per element, in the order given; payloads are read from the state
-- tables. event_type is 'run:*' (step_slugs is null) or 'step:*'. Without the schema realtime
-- it costs nothing.
create function pgflow._send_events(event_type text, run_ids uuid[], step_slugs text[] default null)
returns void
language plpgsql
as $$
begin
  if to_regnamespace('realtime') is null or run_ids is null then
    return;
  elsif not pgflow._can_send_events() then
    return;
  end if;

  if step_slugs is null then
    perform realtime.send(e.payload, _send_events.event_type, 'pgflow:run:' || e.run_id, false)
    from (
      select
        p.position,
        r.run_id,
        jsonb_build_object(
          'event_type', _send_events.event_type, 'run_id', r.run_id, 'flow_slug', r.flow_slug,
          'status', r.status
        ) || case _send_events.event_type
          when 'run:started' then jsonb_build_object(
            'input', r.input, 'remaining_steps', r.remaining_steps, 'started_at', r.started_at)
          when 'run:completed' then jsonb_build_object('output', r.output, 'completed_at', r.completed_at)
          when 'run:retried' then jsonb_build_object(
            'remaining_steps', r.remaining_steps, 'retried_at', now())
          when 'run:cancelled' then jsonb_build_object(
            'cancel_reason', r.cancel_reason, 'cancelled_at', r.cancelled_at)
          else jsonb_build_object('error_message', r.error_message, 'failed_at', r.failed_at)
        end as payload
      from unnest(_send_events.run_ids) with ordinality p(run_id, position)
      cross join lateral (select * from pgflow.runs l where l.run_id = p.run_id limit 1) r
    ) e
    order by e.position;
    return;
  end if;

  perform realtime.send(
    e.payload, 'step:' || e.step_slug || ':' || split_part(_send_events.event_type, ':', 2),
    'pgflow:run:' || e.run_id, false)
  from (
    select
      p.position,
      s.run_id,
      s.step_slug,
      jsonb_build_object(
        'event_type', _send_events.event_type, 'run_id', s.run_id, 'flow_slug', s.flow_slug,
        'step_slug', s.step_slug, 'status', s.status
      ) || case _send_events.event_type
        when 'step:started' then jsonb_build_object(
          'started_at', s.started_at, 'remaining_tasks', s.remaining_tasks, 'remaining_deps', s.remaining_deps)
        when 'step:completed' then
          jsonb_build_object('output', s.output, 'completed_at', s.completed_at)
          || case when s.initial_tasks = 0
            then jsonb_build_object('started_at', s.started_at, 'remaining_tasks', 0, 'remaining_deps', 0)
            else '{}' end
        when 'step:failed' then
          jsonb_build_object('error_message', s.error_message, 'failed_at', s.failed_at)
        else
          jsonb_build_object('skip_reason', s.skip_reason, 'skipped_at', s.skipped_at)
          || case when s.error_message is not null
            then jsonb_build_object('error_message', s.error_message) else '{}' end
      end as payload
    from unnest(_send_events.run_ids, _send_events.step_slugs) with ordinality p(run_id, step_slug, position)
    cross join lateral (
      select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
    ) s
  ) e
  order by e.position;
end;
$$;
