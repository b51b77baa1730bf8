-- Begins ready steps without a handler (pairs). Sleeps that are over and signals that were sent before complete at once;
-- and picks complete at once; one that can never end well is exhausted. Returns the dependents that became ready. Callers hold the runs.
create function pgflow._begin_waits(
  run_ids uuid[], step_slugs text[], out ready_run_ids uuid[], out ready_step_slugs text[]
)
language plpgsql
as $$
declare
  v_wrong record;
  v_plain record;
  v_begun record;
  v_done_run_ids uuid[];
  v_done_step_slugs text[];
  v_all bigint;  -- see 00_model/model.sql
begin
  select array_agg(w.run_id) as run_ids, array_agg(w.step_slug) as step_slugs,
    array_agg(w.wrong) as messages
  into v_wrong
  from pgflow._waits(_begin_waits.run_ids, _begin_waits.step_slugs) w
  where w.wrong is not null;
  if v_wrong.run_ids is not null then
    select * into v_plain
    from pgflow._exhaust_waits(v_wrong.run_ids, v_wrong.step_slugs, 'invalid_time', v_wrong.messages);
    v_done_run_ids := v_plain.plain_run_ids;
    v_done_step_slugs := v_plain.plain_step_slugs;
  end if;

  with begun as (
    update pgflow.step_states s
    set status = 'started', started_at = greatest(now(), s.created_at), remaining_tasks = s.initial_tasks
    from (
      select w.*, k.signal_id, case w.kind when 'pick' then w.picked else k.payload end as payload,
        coalesce(
          w.kind = 'sleep' and w.due_at <= clock_timestamp() or w.kind = 'pick' or k.signal_id is not null, false
        ) as is_over
      from pgflow._waits(_begin_waits.run_ids, _begin_waits.step_slugs) w
      left join lateral (
        select l.signal_id, l.payload
        from pgflow.signals l
        where w.kind = 'signal' and l.run_id = w.run_id and l.step_slug = w.step_slug and l.taken_at is null
        order by l.signal_id
        limit 1
      ) k on true
      where w.wrong is null
      limit v_all
    ) w
    where s.run_id = w.run_id and s.step_slug = w.step_slug and s.status = 'created' and s.remaining_deps = 0
    returning s.flow_slug, s.run_id, s.step_slug, w.kind, w.due_at, w.key, w.signal_id, w.payload, w.is_over
  ),
  sorted as (select * from begun b order by b.run_id, b.step_slug collate "C")
  select
    array_agg(b.run_id) as run_ids,
    array_agg(b.step_slug) as step_slugs,
    array_agg(b.flow_slug) filter (where not b.is_over) as wait_flow_slugs,
    array_agg(b.run_id) filter (where not b.is_over) as wait_run_ids,
    array_agg(b.step_slug) filter (where not b.is_over) as wait_step_slugs,
    array_agg(b.kind) filter (where not b.is_over) as wait_kinds,
    array_agg(b.due_at) filter (where not b.is_over) as wait_due_at,
    array_agg(b.key) filter (where not b.is_over) as wait_keys,
    array_agg(b.run_id) filter (where b.is_over) as over_run_ids,
    array_agg(b.step_slug) filter (where b.is_over) as over_step_slugs,
    array_agg(b.payload) filter (where b.is_over) as outputs,
    array_agg(b.signal_id) filter (where b.signal_id is not null) as signal_ids
  into v_begun
  from sorted b;

  if v_begun.run_ids is not null then
    perform pgflow._send_events('step:started', v_begun.run_ids, v_begun.step_slugs);
  end if;
  if v_begun.wait_run_ids is not null then
    perform pgflow._note_waits(
      v_begun.wait_flow_slugs, v_begun.wait_run_ids, v_begun.wait_step_slugs, v_begun.wait_kinds, v_begun.wait_due_at,
      v_begun.wait_keys
    );
  end if;
  if v_begun.over_run_ids is not null then
    update pgflow.signals g set taken_at = clock_timestamp(), payload = null where g.signal_id = any(v_begun.signal_ids);
    perform pgflow._complete_waits(v_begun.over_run_ids, v_begun.over_step_slugs, v_begun.outputs);
    update pgflow.runs r
    set remaining_steps = r.remaining_steps - c.step_count
    from (
      select o.run_id, count(*)::int as step_count
      from unnest(v_begun.over_run_ids) o(run_id)
      group by o.run_id
      limit v_all
    ) c
    where r.run_id = c.run_id;
    v_done_run_ids := v_done_run_ids || v_begun.over_run_ids;
    v_done_step_slugs := v_done_step_slugs || v_begun.over_step_slugs;
  end if;

  if v_done_run_ids is not null then
    select d.ready_run_ids, d.ready_step_slugs into ready_run_ids, ready_step_slugs
    from pgflow._release_dependents(
      pgflow._flows_of(v_done_run_ids), v_done_run_ids, v_done_step_slugs, null, false, null
    ) d;
  end if;
end;
$$;
