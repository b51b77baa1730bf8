-- Starting with the id of an existing run is repeating the same start, or a mistake.
create function pgflow._check_same_runs(flow_slug text, run_ids uuid[], inputs jsonb[])
returns void
language plpgsql
as $$
declare
  v_run_id uuid;
begin
  select r.run_id into v_run_id
  from unnest(_check_same_runs.run_ids, _check_same_runs.inputs) i(run_id, input)
  cross join lateral (select l.* from pgflow.runs l where l.run_id = i.run_id limit 1) r
  where r.flow_slug <> _check_same_runs.flow_slug or r.input <> coalesce(i.input, 'null')
  limit 1;
  if found then
    raise exception 'Run % exists already, with another flow or input', v_run_id
      using errcode = 'PF002', hint = 'Use a new run id, or start again with the same flow and input.';
  end if;
end;
$$;
