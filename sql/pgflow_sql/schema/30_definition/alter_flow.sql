-- for: migrate
-- Sets the complete set of a flow's options; NULL is the default of create_flow. Tasks that have started keep
-- the timeout they were claimed with, and runs the run_timeout they were started with.
create function pgflow.alter_flow(
  flow_slug text,
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  backoff text default null,
  max_delay int default null,
  options jsonb default '{}'
)
returns pgflow.flows
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_options jsonb := pgflow._flow_options(alter_flow.options);
  v_flow pgflow.flows;
  v_timeouts int[];  -- before
begin
  perform 1 from pgflow.flows f where f.flow_slug = alter_flow.flow_slug for no key update;
  select p.timeouts into v_timeouts from pgflow.prepared_flows p where p.flow_slug = alter_flow.flow_slug;
  update pgflow.flows f
  set opt_max_attempts = coalesce(alter_flow.max_attempts, 3),
      opt_base_delay = coalesce(alter_flow.base_delay, 5),
      opt_timeout = coalesce(alter_flow.timeout, 60),
      opt_backoff = alter_flow.backoff,
      opt_max_delay = alter_flow.max_delay,
      options = v_options
  where f.flow_slug = alter_flow.flow_slug
  returning f.* into v_flow;
  if not found then
    perform pgflow._check_flows(array[alter_flow.flow_slug]);
  end if;
  perform pgflow._keep_longer_timeouts(alter_flow.flow_slug, v_timeouts);
  return v_flow;
end;
$$;
