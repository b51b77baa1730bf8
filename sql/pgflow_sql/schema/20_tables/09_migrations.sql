-- Which core and flow migrations this database has; written by the migrator only.
create table pgflow.migrations (
  kind text not null,
  name text not null,
  digest text not null,
  applied_at timestamptz not null default now(),
  constraint migrations_pkey primary key (kind, name),
  constraint migrations_kind_check check (kind in ('core', 'flow'))
);
