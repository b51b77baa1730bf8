-- for: client
-- Sends a payload (null: JSON null) to all started runs of a flow, in whatever version, whose input has that key for the
-- signal step; one row a run as from send_signals, by ascending ids, none if there is no such run. flow_slug: of any
-- version. Raises PF001 for an unknown flow, PF011 for a step that is no signal with a key.
create function pgflow.send_signal_by_key(
  flow_slug text, step_slug text, key text, payload jsonb, dedupe text default null
)
returns table (run_id uuid, outcome text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_family constant text := pgflow._family(send_signal_by_key.flow_slug);
  v_run_ids uuid[];
  v_outcomes text[];
begin
  perform pgflow._check_keyed_signal(send_signal_by_key.flow_slug, send_signal_by_key.step_slug);
  v_run_ids := pgflow._runs_by_key(v_family, send_signal_by_key.step_slug, send_signal_by_key.key);
  if v_run_ids is null then
    return;
  end if;
  v_outcomes := pgflow._send_signals(
    v_run_ids,
    array_fill(send_signal_by_key.step_slug, array[cardinality(v_run_ids)]),
    array_fill(send_signal_by_key.payload, array[cardinality(v_run_ids)]),
    array_fill(send_signal_by_key.dedupe, array[cardinality(v_run_ids)])
  );
  return query
  select i.run_id, i.outcome from unnest(v_run_ids, v_outcomes) with ordinality i(run_id, outcome, position)
  order by i.position;
end;
$$;
