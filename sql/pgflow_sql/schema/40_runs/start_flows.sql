-- for: client
-- Starts a run per input, all or nothing; returns them in the order of the inputs. options: {"begins_at": a time as RFC
-- 3339 has it}: until then they wait, and nothing of them is judged or begun; one that has come already is now.
create function pgflow.start_flows(
  flow_slug text,
  inputs jsonb[],
  run_ids uuid[] default null,
  trace_contexts jsonb[] default null,
  options jsonb default '{}'
)
returns setof pgflow.runs
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_begins_at timestamptz;
  v_run_ids uuid[];
begin
  if coalesce(cardinality(start_flows.run_ids), cardinality(start_flows.inputs))
      <> cardinality(start_flows.inputs)
    or coalesce(cardinality(start_flows.trace_contexts), cardinality(start_flows.inputs))
      <> cardinality(start_flows.inputs)
  then
    raise exception 'inputs has % elements, run_ids %, trace_contexts %',
      cardinality(start_flows.inputs),
      coalesce(cardinality(start_flows.run_ids)::text, 'none'),
      coalesce(cardinality(start_flows.trace_contexts)::text, 'none')
      using errcode = 'PF005', hint = 'Pass arrays of equal length, one element per run.';
  end if;
  if start_flows.options <> '{}' then
    v_begins_at := pgflow._begins_at(start_flows.options);
  end if;
  v_run_ids := pgflow._start_flows(
    start_flows.flow_slug, coalesce(start_flows.inputs, '{}'), start_flows.run_ids, start_flows.trace_contexts,
    v_begins_at
  );
  if cardinality(v_run_ids) = 1 then
    return query select r.* from pgflow.runs r where r.run_id = v_run_ids[1];
    return;
  end if;
  return query
  select r.*
  from unnest(v_run_ids) with ordinality i(run_id, position)
  cross join lateral (select l.* from pgflow.runs l where l.run_id = i.run_id limit 1) r
  order by i.position;
end;
$$;
