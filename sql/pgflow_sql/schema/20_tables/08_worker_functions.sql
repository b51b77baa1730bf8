create table pgflow.worker_functions (
  function_name text not null,
  enabled boolean not null default true,
  debounce interval not null default interval '6 seconds',
  last_invoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  url text,  -- where a worker that is no edge function is asked to start; null: one of the platform's functions
  gets_service_key boolean not null default true,  -- false: whoever gave the url may not act as the core's owner
  constraint worker_functions_pkey primary key (function_name),
  constraint worker_functions_url_check check (url ~ '^https?://[^\s/]+[^\s]*$' and length(url) <= 2000),
  constraint function_name_is_short check (length(function_name) <= 1000),
  constraint worker_functions_debounce_check check (debounce >= interval '1 second')
);
