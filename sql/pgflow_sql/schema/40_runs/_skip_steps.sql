-- Skips steps (pairs) of started runs: state, remaining_steps, messages of open tasks, events in the order
-- given. Dependents are the caller's business. Returns the number skipped.
create function pgflow._skip_steps(
  run_ids uuid[], step_slugs text[], reasons text[], error_messages text[] default null
)
returns int
language plpgsql
as $$
declare
  v_run_ids uuid[];
  v_step_slugs text[];
  v_had_tasks boolean;
  v_all bigint;  -- see 00_model/model.sql
begin
  with skipped as (
    update pgflow.step_states s
    set status = 'skipped',
        skip_reason = p.reason,
        skipped_at = greatest(now(), s.created_at),
        error_message = coalesce(p.error_message, s.error_message),
        remaining_tasks = null
    from (
      select *
      from unnest(
        _skip_steps.run_ids, _skip_steps.step_slugs, _skip_steps.reasons, _skip_steps.error_messages
      ) with ordinality g(run_id, step_slug, reason, error_message, position)
      limit v_all
    ) p
    where s.run_id = p.run_id and s.step_slug = p.step_slug and s.status in ('created', 'started')
    returning s.run_id, s.step_slug, s.started_at, p.position
  )
  select
    array_agg(k.run_id order by k.position),
    array_agg(k.step_slug order by k.position),
    bool_or(k.started_at is not null)
  into v_run_ids, v_step_slugs, v_had_tasks
  from skipped k;

  if v_run_ids is null then
    return 0;
  end if;

  update pgflow.runs r
  set remaining_steps = r.remaining_steps - c.step_count
  from (
    select k.run_id, count(*)::int as step_count
    from unnest(v_run_ids) k(run_id)
    group by k.run_id
    limit v_all
  ) c
  where r.run_id = c.run_id;

  perform pgflow._send_events('step:skipped', v_run_ids, v_step_slugs);
  if v_had_tasks then
    perform pgflow._archive_open_tasks(v_run_ids, v_step_slugs);
    perform pgflow._note_under_way(v_run_ids, v_step_slugs);
  end if;
  return cardinality(v_run_ids);
end;
$$;
