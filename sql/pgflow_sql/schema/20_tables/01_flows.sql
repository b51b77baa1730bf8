create table pgflow.flows (
  flow_slug text not null,
  opt_max_attempts int not null default 3,
  opt_base_delay int not null default 1,
  opt_timeout int not null default 60,
  created_at timestamptz not null default now(),
  opt_backoff text,   -- null: exponential
  opt_max_delay int,  -- seconds; null: only the cap of one day
  options jsonb not null default '{}',  -- see _check_flow_options
  constraint flows_pkey primary key (flow_slug),
  constraint slug_is_valid check (pgflow.is_valid_slug(flow_slug)),
  constraint opt_max_attempts_is_nonnegative check (opt_max_attempts >= 0),
  constraint opt_base_delay_is_nonnegative check (opt_base_delay >= 0),
  constraint opt_timeout_is_positive check (opt_timeout between 1 and 1000000000),
  constraint opt_backoff_is_valid check (opt_backoff in ('exponential', 'fixed')),
  constraint opt_max_delay_is_nonnegative check (opt_max_delay >= 0)
);
