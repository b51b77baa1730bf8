-- What these started or ready steps without a handler (pairs) wait for. due_at: when a sleep is over, as of when it
-- began, or the deadline of a signal, from now on; null: never. wrong: why it can never end well:
-- a sleep whose "until" is no time, a pick of what is no array for a map. key: under which a signal is found. picked:
-- what a pick completes with at once.
create function pgflow._waits(run_ids uuid[], step_slugs text[])
returns table (
  run_id uuid, step_slug text, flow_slug text, kind text, step_index int, due_at timestamptz, wrong text, key text,
  picked jsonb
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
    case
      when st.options ? 'until' and u.instant is null then format('"until" of sleep "%s" is no time', s.step_slug)
      when i.is_array and jsonb_typeof(i.picked) <> 'array' then format(
        '[TYPE_VIOLATION] Step %s expects an array in the run''s input, not %s', s.step_slug, jsonb_typeof(i.picked)
      )
    end,
    (select k.key from pgflow.signal_keys k where k.run_id = s.run_id and k.step_slug = s.step_slug),
    i.picked
  from unnest(_waits.run_ids, _waits.step_slugs) p(run_id, step_slug)
  cross join lateral (
    select * from pgflow.step_states l where l.run_id = p.run_id and l.step_slug = p.step_slug limit 1
  ) s
  cross join lateral (
    select * from pgflow.steps l where l.flow_slug = s.flow_slug and l.step_slug = p.step_slug limit 1
  ) st
  cross join lateral (select l.status, l.input from pgflow.runs l where l.run_id = p.run_id limit 1) r
  cross join lateral (
    select case when st.options ? 'until' then pgflow._wakes_at(p.run_id, st.options -> 'until') end as instant
  ) u
  cross join lateral (
    -- what is not there is nothing, of which there is an empty list
    select coalesce(nullif(v.picked, 'null'), case when v.is_array then '[]'::jsonb end) as picked, v.is_array
    from (
      select
        case when st.kind = 'pick' then pgflow._value_at(st.options -> 'pick', r.input) end as picked,
        st.kind = 'pick' and exists (
          select 1
          from pgflow.deps d
          where d.flow_slug = st.flow_slug and d.dep_slug = st.step_slug and d.is_array
        ) as is_array
    ) v
  ) i
  where r.status = 'started' and s.status in ('created', 'started');
end;
$$;
