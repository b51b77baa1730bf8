-- for: pgflow
-- Brings the stored flow to the given shape: creates it, verifies it, or - locally, or when data loss is
-- allowed - replaces it with all its data. Raises PF011 for what is no shape.
create function pgflow.ensure_flow_compiled(flow_slug text, shape jsonb, allow_data_loss boolean default false)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_differences text[];
  v_status text;
begin
  if jsonb_typeof(ensure_flow_compiled.shape -> 'steps') is distinct from 'array' then
    raise exception 'A flow''s shape is {"steps": [...]}, not %', left(ensure_flow_compiled.shape::text, 100)
      using errcode = 'PF011', hint = 'Pass an object with a list of steps.';
  end if;

  -- Workers of one flow start at the same time.
  perform pg_advisory_xact_lock(hashtextextended('pgflow.compile:' || ensure_flow_compiled.flow_slug, 0));

  if not exists (select 1 from pgflow.flows f where f.flow_slug = ensure_flow_compiled.flow_slug) then
    perform pgflow._create_flow_from_shape(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    return jsonb_build_object('status', 'compiled', 'differences', '[]'::jsonb);
  end if;

  v_differences := pgflow._compare_flow_shapes(
    ensure_flow_compiled.shape, pgflow._get_flow_shape(ensure_flow_compiled.flow_slug)
  );
  if cardinality(v_differences) = 0 then
    v_status := 'verified';
  elsif pgflow.is_local() or coalesce(ensure_flow_compiled.allow_data_loss, false) then
    perform pgflow.delete_flow_and_data(ensure_flow_compiled.flow_slug);
    perform pgflow._create_flow_from_shape(ensure_flow_compiled.flow_slug, ensure_flow_compiled.shape);
    v_status := 'recompiled';
  else
    v_status := 'mismatch';
  end if;
  return jsonb_build_object('status', v_status, 'differences', to_jsonb(v_differences));
exception when data_exception then
  raise exception 'The flow''s shape cannot be read: %', sqlerrm
    using errcode = 'PF011', hint = 'Options are integers, dependencies lists of slugs, patterns objects.';
end;
$$;
