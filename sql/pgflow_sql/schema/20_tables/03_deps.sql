create table pgflow.deps (
  flow_slug text not null,
  dep_slug text not null,   -- what is depended on
  step_slug text not null,  -- who depends
  created_at timestamptz not null default now(),
  is_array boolean not null default false,  -- step_slug is a map that goes over what dep_slug gives
  constraint deps_pkey primary key (flow_slug, dep_slug, step_slug),
  constraint deps_flow_slug_fkey foreign key (flow_slug) references pgflow.flows (flow_slug),
  constraint deps_flow_slug_dep_slug_fkey foreign key (flow_slug, dep_slug)
    references pgflow.steps (flow_slug, step_slug),
  constraint deps_flow_slug_step_slug_fkey foreign key (flow_slug, step_slug)
    references pgflow.steps (flow_slug, step_slug),
  constraint deps_check check (dep_slug <> step_slug)
);
create index deps_by_step_idx on pgflow.deps (flow_slug, step_slug, dep_slug);
