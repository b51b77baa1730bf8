-- What these started or ready steps without a handler (pairs) wait for. due_at: when a sleep is over, as of when it
-- began, or the deadline of a signal, from now on; null: never. is_no_time: a sleep whose "until" is no time. key: under
-- which a signal is found.
create function pgflow._waits(run_ids uuid[], step_slugs text[])
returns table (
  run_id uuid, step_slug text, flow_slug text, kind text, step_index int, due_at timestamptz, is_no_time boolean, key text
)
language plpgsql
as $$
begin
  return query
  select
    s.run_id, s.step_slug, s.flow_slug, st.kind, st.step_index,
    case
      when st.kind = 'signal' then clock_timestamp() + make_interval(secs => (st.options ->> 'deadline')::double precision)
      when st.options ? 'until' then u.instant
      else coalesce(s.started_at, clock_timestamp())
        + make_interval(secs => (st.options ->> 'seconds')::double precision)
    end,
    st.options ? 'until' and u.instant is null,
    (select k.key from pgflow.signal_keys k where k.run_id = s.run_id and k.step_slug = s.step_slug)
  from unnest(_waits.run_ids, _waits.step_slugs) p(run_id, step_slug)
  cross join lateral (
    select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
  ) s
  cross join lateral (
    select * from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = p.step_slug limit 1
  ) st
  cross join lateral (select l.status from pgflow.runs l where l.run_id = p.run_id limit 1) r
  cross join lateral (
    select case when st.options ? 'until' then pgflow._wakes_at(p.run_id, st.options -> 'until') end as instant
  ) u
  where r.status = 'started' and s.status in ('created', 'started');
end;
$$;
