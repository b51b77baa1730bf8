-- for: operator
-- Starts a new run of the same flow that does from_steps, and what depends on them, again: of all others it takes over
-- those that have completed or were skipped, marked as reused. It is refused if what one of these did is undone, and
-- with another input (null: the same) if one of these may have read it. The run may still be going on. Returns the new
-- run's id; a call that is repeated with its new_run_id finds it, any other run of that id raises PF002. Raises PF008
-- for an unknown run, PF011 for an unknown step.
create function pgflow.fork_run(
  run_id uuid, from_steps text[], input jsonb default null, new_run_id uuid default null, actor text default null
)
returns uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flow_slug text;
  v_old_input jsonb;
  v_input jsonb;
  v_again text[];
  v_reused text[];
  v_run_id uuid := coalesce(new_run_id, pgflow._new_run_id());
begin
  select r.flow_slug, r.input into v_flow_slug, v_old_input
  from pgflow.runs r
  where r.run_id = fork_run.run_id
  for no key update;
  if not found then
    raise exception 'Run not found: %', fork_run.run_id using errcode = 'PF008';
  end if;
  if exists (
    select 1 from pgflow.prepared_flows p where p.flow_slug = v_flow_slug and p.companion_of is not null
  ) then
    raise exception 'Run % is of flow "%", which is started by the core when another run has ended', fork_run.run_id,
      v_flow_slug
      using errcode = 'PF011', hint = 'Retry it in place if it has failed.';
  end if;
  perform pgflow._check_fork_steps(v_flow_slug, fork_run.from_steps);

  v_input := coalesce(fork_run.input, v_old_input);
  v_again := pgflow._steps_behind(v_flow_slug, fork_run.from_steps);
  if pgflow._is_same_fork(v_run_id, fork_run.run_id, v_input, v_again) then
    return v_run_id;
  end if;
  v_reused := array(
    select s.step_slug
    from pgflow.step_states s
    where s.run_id = fork_run.run_id and s.status in ('completed', 'skipped') and s.step_slug <> all(v_again)
  );
  perform pgflow._check_fork_undone(fork_run.run_id, v_reused);
  if v_input <> v_old_input then
    perform pgflow._check_fork_input(v_flow_slug, v_reused);
    if exists (select 1 from pgflow.prepared_flows p where p.flow_slug = v_flow_slug and p.has_root_maps) then
      perform pgflow._check_array_input(v_flow_slug, v_input);
    end if;
    if pg_column_size(v_input) > 65536 then
      perform pgflow._note_large_values(array[v_flow_slug]);
    end if;
  end if;

  if not pgflow._insert_fork(v_run_id, fork_run.run_id, v_flow_slug, v_input, v_reused) then
    raise exception 'Run % exists already, and is no such fork', v_run_id
      using errcode = 'PF002', hint = 'Use a new run id, or leave it out.';
  end if;
  perform pgflow._note_signal_keys(array[v_run_id]);
  perform pgflow._send_events('run:started', array[v_run_id]);
  perform pgflow._set_run_timeouts(array[v_run_id]);
  perform pgflow._start_ready(array[v_run_id], array[0::double precision]);
  perform pgflow._notify(null, array[v_run_id]);
  perform pgflow._note_action(
    'fork', fork_run.actor, v_flow_slug, array[fork_run.run_id, v_run_id], array['forked'],
    jsonb_build_object(
      'from_steps', array(select distinct g.slug from unnest(fork_run.from_steps) g(slug) order by g.slug),
      'new_input', case when v_input <> v_old_input then true end
    )
  );
  return v_run_id;
end;
$$;
