-- for: migrate
-- Sets the complete set of a step's options and conditions; NULL is the flow's option, no condition, or the
-- default mode. Steps that have started keep what they started with.
create function pgflow.alter_step(
  flow_slug text,
  step_slug text,
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  start_delay int default null,
  required_input_pattern jsonb default null,
  forbidden_input_pattern jsonb default null,
  when_unmet text default null,
  when_exhausted text default null,
  backoff text default null,
  max_delay int default null,
  options jsonb default '{}'
)
returns pgflow.steps
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text;
  v_subflow jsonb;
  v_options jsonb;
  v_step pgflow.steps;
  v_timeouts int[];  -- before
begin
  perform 1 from pgflow.flows f where f.flow_slug = alter_step.flow_slug for no key update;
  select s.kind, s.options -> 'subflow' into v_kind, v_subflow
  from pgflow.steps s
  where s.flow_slug = alter_step.flow_slug and s.step_slug = alter_step.step_slug;
  if alter_step.options ->> 'kind' <> v_kind then
    raise exception 'Step "%" is a %, and stays one', alter_step.step_slug, v_kind
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;
  if alter_step.options -> 'subflow' <> v_subflow then
    raise exception 'The runs of step "%" are of flow "%", and stay so', alter_step.step_slug, v_subflow ->> 0
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;
  if alter_step.options ->> 'array' <> coalesce((
    select d.dep_slug
    from pgflow.deps d
    where d.flow_slug = alter_step.flow_slug and d.step_slug = alter_step.step_slug and d.is_array
  ), 'flow_input') then
    raise exception 'Step "%" goes over another array', alter_step.step_slug
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;
  v_options := pgflow._step_options(case
    when v_subflow is null then alter_step.options
    else jsonb_build_object('subflow', v_subflow) || coalesce(alter_step.options, '{}')
  end, coalesce(v_kind, 'task'), array(
    select d.dep_slug
    from pgflow.deps d
    where d.flow_slug = alter_step.flow_slug and d.step_slug = alter_step.step_slug
  ));
  select p.timeouts into v_timeouts from pgflow.prepared_flows p where p.flow_slug = alter_step.flow_slug;
  update pgflow.steps s
  set opt_max_attempts = alter_step.max_attempts,
      opt_base_delay = alter_step.base_delay,
      opt_timeout = alter_step.timeout,
      opt_start_delay = alter_step.start_delay,
      required_input_pattern = alter_step.required_input_pattern,
      forbidden_input_pattern = alter_step.forbidden_input_pattern,
      when_unmet = coalesce(alter_step.when_unmet, 'skip'),
      when_exhausted = coalesce(alter_step.when_exhausted, 'fail'),
      opt_backoff = alter_step.backoff,
      opt_max_delay = alter_step.max_delay,
      options = v_options
  where s.flow_slug = alter_step.flow_slug and s.step_slug = alter_step.step_slug
  returning s.* into v_step;
  if not found then
    perform pgflow._check_flows(array[alter_step.flow_slug]);
    raise exception 'Flow "%" has no step "%"', alter_step.flow_slug, alter_step.step_slug
      using errcode = 'PF001', 
        hint = 'Steps are added by add_step; changing a flow''s structure needs a new version.';
  end if;
  perform pgflow._keep_longer_timeouts(alter_step.flow_slug, v_timeouts);
  return v_step;
end;
$$;
