-- Starts a companion of an ended run, once for each of its ends: false where its flow is not in the database. rule: what the
-- flow's options say of it. Callers hold the ended run.
create function pgflow._start_companion(
  flow_slug text, kind text, of_run pgflow.runs, number int, rule jsonb, steps jsonb, undone text
)
returns boolean
language plpgsql
as $$
declare
  v_run_id uuid := pgflow._new_run_id();
begin
  if not exists (select 1 from pgflow.prepared_flows p where p.flow_slug = _start_companion.flow_slug) then
    return false;
  end if;
  -- origins first: it may end as it starts
  insert into pgflow.origins (run_id, kind, from_run_id, step_slug, attempt)
  values (
    v_run_id, _start_companion.kind, (of_run).run_id, _start_companion.flow_slug, _start_companion.number
  )
  on conflict do nothing;
  if found then
    perform pgflow._start_flows(
      _start_companion.flow_slug,
      array[
        jsonb_build_object('run_end', pgflow._run_end((of_run).run_id, _start_companion.undone), 'steps', steps)
          || case when rule -> 'flow_input' = 'true' then jsonb_build_object('flow_input', (of_run).input) else '{}' end
      ],
      array[v_run_id], array[(of_run).trace_context], null, true
    );
  end if;
  return true;
end;
$$;
