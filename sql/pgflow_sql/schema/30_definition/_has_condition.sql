-- Whether a step has a condition of any kind.
-- Without a search_path of its own it is inlined into its callers, all of which have a pinned one.
create function pgflow._has_condition(step pgflow.steps)
returns boolean
language sql
immutable
as $$
  select (step).required_input_pattern is not null
    or (step).forbidden_input_pattern is not null
    or (step).options ?| array['if_any', 'if_not_any', 'if_ran', 'if_skipped'];
$$;
