-- for: migrate
-- Defines a flow and its queue; does nothing to a flow that is there. options: {"run_timeout": seconds}, and
-- what follows the ends of its runs (see _check_companion_options). Raises PF004
-- for a slug that cannot name a queue, PF011 for options that are none.
create function pgflow.create_flow(
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
  v_options jsonb := pgflow._flow_options(create_flow.options);
  v_other text;
  v_flow pgflow.flows;
begin
  if pgflow.is_valid_slug(create_flow.flow_slug) then
    if length(create_flow.flow_slug) > 47 then
      raise exception 'Flow slug "%" is too long to name a queue: % characters, pgmq allows 47',
        create_flow.flow_slug, length(create_flow.flow_slug)
        using errcode = 'PF004', hint = 'Choose a shorter slug.';
    end if;
    -- Two slugs that differ only in case would share one queue.
    perform pg_advisory_xact_lock(hashtextextended('pgflow.flow:' || lower(create_flow.flow_slug), 0));
    select f.flow_slug into v_other
    from pgflow.flows f
    where lower(f.flow_slug) = lower(create_flow.flow_slug) and f.flow_slug <> create_flow.flow_slug;
    if found then
      raise exception 'Flow slug "%" differs from the existing flow "%" only in case, both would share a queue',
        create_flow.flow_slug, v_other
        using errcode = 'PF004', hint = 'Choose another slug.';
    end if;
  end if;

  insert into pgflow.flows (
    flow_slug, opt_max_attempts, opt_base_delay, opt_timeout, opt_backoff, opt_max_delay, options
  )
  values (
    create_flow.flow_slug,
    coalesce(create_flow.max_attempts, 3),
    coalesce(create_flow.base_delay, 5),
    coalesce(create_flow.timeout, 60),
    create_flow.backoff,
    create_flow.max_delay,
    v_options
  )
  on conflict on constraint flows_pkey do nothing;

  if not exists (select 1 from pgmq.meta m where m.queue_name = create_flow.flow_slug) then
    perform pgmq.create(create_flow.flow_slug);
  end if;
  perform pgflow._index_delivered(create_flow.flow_slug);

  select f.* into v_flow from pgflow.flows f where f.flow_slug = create_flow.flow_slug;
  return v_flow;
end;
$$;
