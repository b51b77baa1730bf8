-- Writes a fork's row and states: steps in reused_slugs as they ended in the run it is forked from, the others as if
-- they had never run. Returns false if a run with its id is there already.
create function pgflow._insert_fork(
  run_id uuid, from_run_id uuid, flow_slug text, input jsonb, reused_slugs text[]
)
returns boolean
language plpgsql
as $$
begin
  perform 1 from pgflow.prepared_flows p where p.flow_slug = _insert_fork.flow_slug for key share;  -- as a start
  insert into pgflow.runs (run_id, flow_slug, input, remaining_steps, has_origin)
  select
    _insert_fork.run_id, _insert_fork.flow_slug, _insert_fork.input,
    count(*) filter (where st.step_slug <> all(_insert_fork.reused_slugs)), true
  from pgflow.steps st
  where st.flow_slug = _insert_fork.flow_slug
  on conflict on constraint runs_pkey do nothing;
  if not found then
    return false;
  end if;
  insert into pgflow.origins (run_id, kind, from_run_id)
  values (_insert_fork.run_id, 'fork', _insert_fork.from_run_id);

  insert into pgflow.step_states (
    flow_slug, run_id, step_slug, status, remaining_tasks, initial_tasks, remaining_deps, output, error_message,
    skip_reason, started_at, completed_at, skipped_at, reused
  )
  select
    s.flow_slug, _insert_fork.run_id, s.step_slug, s.status, s.remaining_tasks, s.initial_tasks, s.remaining_deps,
    s.output, s.error_message, s.skip_reason, case when s.status = 'completed' then now() end,
    case when s.status = 'completed' then now() end, case when s.status = 'skipped' then now() end, true
  from pgflow.step_states s
  where s.run_id = _insert_fork.from_run_id and s.step_slug = any(_insert_fork.reused_slugs);

  insert into pgflow.step_states (flow_slug, run_id, step_slug, remaining_deps, initial_tasks)
  select
    st.flow_slug, _insert_fork.run_id, st.step_slug,
    (
      select count(*)
      from pgflow.deps d
      where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug
        and d.dep_slug <> all(_insert_fork.reused_slugs)
    ),
    case
      when st.step_type <> 'map' then 1
      when a.array_slug is null then jsonb_array_length(_insert_fork.input)
      else (
        select case when s.status = 'skipped' then 0 else jsonb_array_length(s.output) end
        from pgflow.step_states s
        where s.run_id = _insert_fork.run_id and s.step_slug = a.array_slug
      )
    end
  from pgflow.steps st
  left join lateral (
    select d.dep_slug as array_slug
    from pgflow.deps d
    where d.flow_slug = st.flow_slug and d.step_slug = st.step_slug and d.is_array
  ) a on true
  where st.flow_slug = _insert_fork.flow_slug and st.step_slug <> all(_insert_fork.reused_slugs);
  return true;
end;
$$;
