-- for: migrate
-- Most mistakes are left to the named constraints; refused here is only what they cannot see. A step that is there
-- stays as it is: PF010 where it has another type, kind or other dependencies, its options are not looked at. options, PF011 for
-- any other:
--   reads_input          whether it reads the run's input
--   if_any, if_not_any   lists of patterns of which one, or none, may match; instead of the single ones
--   if_ran, if_skipped   dependencies that must have run, or must not
--   array                of a map with other dependencies: the one that it goes over, or flow_input for the run's input
--   kind                 signal, sleep: steps without a handler; loop: one that may ask to be called again;
--                        subflow: one whose handler returns the input of a run that does its work; pick: a value of the
--                        run's input; else a task
--   pick                 its path
--   key, deadline        of a signal: the path in the run's input of a key that it is found by; seconds until it is exhausted
--   seconds, until       of a sleep: how long, or the path of a time, whose first key is flow_input or a dependency
--   max_rounds, every    of a loop: how often it is called at most, and seconds in between
--   deadline             also of a loop: for all rounds together; and of a subflow, for all its children
--   subflow, max_depth   of a subflow: the flow of its children; how many runs deep they may be started
-- A pattern of a step with dependencies may hold the key flow_input, for the run's input, beside theirs.
create function pgflow.add_step(
  flow_slug text,
  step_slug text,
  deps_slugs text[] default '{}',
  max_attempts int default null,
  base_delay int default null,
  timeout int default null,
  start_delay int default null,
  step_type text default 'single',
  required_input_pattern jsonb default null,
  forbidden_input_pattern jsonb default null,
  when_unmet text default 'skip',
  when_exhausted text default 'fail',
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
  v_kind text := coalesce(add_step.options ->> 'kind', 'task');
  v_deps text[] := coalesce(add_step.deps_slugs, '{}');
  v_options jsonb := pgflow._step_options(add_step.options, v_kind, v_deps);
  v_type text := coalesce(add_step.step_type, 'single');
  v_array_slug text := pgflow._array_slug(add_step.step_slug, v_type, v_deps, add_step.options ->> 'array');
  v_twice text;
  v_there record;
  v_step pgflow.steps;
begin
  select d.slug into v_twice from unnest(v_deps) d(slug) group by d.slug having count(*) > 1 limit 1;
  if found then
    -- deps_count would exceed the rows in deps, and the step would wait for ever
    raise exception 'Step "%" lists the dependency "%" twice', add_step.step_slug, v_twice
      using errcode = 'PF006', hint = 'List each dependency once.';
  end if;

  if length(add_step.flow_slug) > 128 then
    perform pgflow._check_flows(array[add_step.flow_slug]);  -- more than the indexes' pages hold
  end if;

  -- Serialises concurrent additions: step_index is counted up.
  perform 1 from pgflow.flows f where f.flow_slug = add_step.flow_slug for no key update;

  perform pgflow._check_kind(add_step.flow_slug, add_step.step_slug, v_kind, v_type, v_array_slug);

  select s.step_type, s.kind, s.deps_count, s.options ->> 'subflow' as subflow, array(
    select d.dep_slug from pgflow.deps d where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug order by 1
  ) as deps, (
    select d.dep_slug
    from pgflow.deps d
    where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and d.is_array
  ) as array_slug
  into v_there
  from pgflow.steps s
  where s.flow_slug = add_step.flow_slug and s.step_slug = add_step.step_slug;
  if found and (
    v_there.step_type <> v_type or v_there.kind <> v_kind or v_there.deps_count <> cardinality(v_deps) or not v_there.deps <@ v_deps
    or v_there.array_slug is distinct from v_array_slug
    or v_there.subflow is distinct from v_options ->> 'subflow'
  ) then
    raise exception 'Flow "%" has a step "%" already, % with the dependencies (%)',
      add_step.flow_slug, add_step.step_slug, concat_ws(' ', v_there.step_type, nullif(v_there.kind, 'task'), v_there.subflow), array_to_string(v_there.deps, ', ')
      using errcode = 'PF010', hint = 'A flow''s structure never changes: give the step another slug, or the flow.';
  end if;

  -- One statement, so that what is derived from the step at its end sees its dependencies.
  with step as (
    insert into pgflow.steps (
      flow_slug, step_slug, step_type, step_index, deps_count,
      opt_max_attempts, opt_base_delay, opt_timeout, opt_start_delay, opt_backoff, opt_max_delay,
      required_input_pattern, forbidden_input_pattern, when_unmet, when_exhausted, kind, options
    )
    select
      add_step.flow_slug, add_step.step_slug, v_type, coalesce(max(s.step_index) + 1, 0), cardinality(v_deps),
      add_step.max_attempts, add_step.base_delay, add_step.timeout, add_step.start_delay,
      add_step.backoff, add_step.max_delay,
      add_step.required_input_pattern, add_step.forbidden_input_pattern,
      add_step.when_unmet, add_step.when_exhausted, v_kind, v_options
    from pgflow.steps s
    where s.flow_slug = add_step.flow_slug
    on conflict on constraint steps_pkey do nothing
  )
  insert into pgflow.deps (flow_slug, dep_slug, step_slug, is_array)
  select add_step.flow_slug, d.slug, add_step.step_slug, coalesce(d.slug = v_array_slug, false)
  from unnest(v_deps) d(slug)
  on conflict on constraint deps_pkey do nothing;

  select s.* into v_step
  from pgflow.steps s
  where s.flow_slug = add_step.flow_slug and s.step_slug = add_step.step_slug;
  return v_step;
end;
$$;
