create table pgflow.steps (
  flow_slug text not null,
  step_slug text not null,
  step_type text not null default 'single',
  step_index int not null default 0,
  deps_count int not null default 0,
  opt_max_attempts int,
  opt_base_delay int,
  opt_timeout int,
  opt_start_delay int,
  required_input_pattern jsonb,
  forbidden_input_pattern jsonb,
  when_unmet text not null default 'skip',
  when_exhausted text not null default 'fail',
  created_at timestamptz not null default now(),
  opt_backoff text,
  opt_max_delay int,
  constraint steps_pkey primary key (flow_slug, step_slug),
  constraint steps_flow_slug_step_index_key unique (flow_slug, step_index),
  constraint steps_flow_slug_fkey foreign key (flow_slug) references pgflow.flows (flow_slug),
  constraint steps_step_slug_check check (pgflow.is_valid_slug(step_slug)),
  constraint steps_step_type_check check (step_type in ('single', 'map')),
  constraint steps_deps_count_check check (deps_count >= 0),
  constraint opt_max_attempts_is_nonnegative check (opt_max_attempts >= 0),
  constraint opt_base_delay_is_nonnegative check (opt_base_delay >= 0),
  constraint opt_timeout_is_positive check (opt_timeout > 0),
  constraint opt_start_delay_is_nonnegative check (opt_start_delay >= 0),
  constraint opt_backoff_is_valid check (opt_backoff in ('exponential', 'fixed')),
  constraint opt_max_delay_is_nonnegative check (opt_max_delay >= 0),
  constraint required_input_pattern_is_object check (jsonb_typeof(required_input_pattern) = 'object'),
  constraint forbidden_input_pattern_is_object check (jsonb_typeof(forbidden_input_pattern) = 'object'),
  constraint when_unmet_is_valid check (when_unmet in ('fail', 'skip', 'skip-cascade')),
  constraint when_exhausted_is_valid check (when_exhausted in ('fail', 'skip', 'skip-cascade'))
);
-- They answer "does this flow need the slower path?" without reading its steps.
create index steps_maps_idx on pgflow.steps (flow_slug) where step_type = 'map';
create index steps_conditional_idx on pgflow.steps (flow_slug)
  where required_input_pattern is not null or forbidden_input_pattern is not null;
