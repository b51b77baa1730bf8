-- Derives anew what prepared_flows holds of the flows whose row, or any of whose steps, a statement has changed.
create function pgflow._prepare_flows()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A statement of its own: what is derived below must see what the others have committed meanwhile.
  perform 1
  from pgflow.flows f
  where f.flow_slug in (select c.flow_slug from changed c)
  order by f.flow_slug
  for no key update;

  insert into pgflow.prepared_flows as p (
    flow_slug, flow_timeout, step_slugs, deps_counts, maps, start_delays, timeouts, vt_offsets, max_attempts, root_slugs,
    array_slugs, has_root_maps, has_maps, has_conditions, has_delays, kinds, has_kinds, has_ends, companion_of, run_timeout
  )
  select
    f.flow_slug,
    f.opt_timeout,
    coalesce(array_agg(s.step_slug order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(array_agg(s.deps_count order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(array_agg(s.step_type = 'map' order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(
      array_agg(coalesce(s.opt_start_delay, 0) order by s.step_index) filter (where s.step_slug is not null), '{}'
    ),
    coalesce(
      array_agg(coalesce(s.opt_timeout, f.opt_timeout) order by s.step_index) filter (where s.step_slug is not null), '{}'
    ),
    coalesce(
      array_agg(coalesce(s.opt_timeout, f.opt_timeout) + 2 order by s.step_index) filter (where s.step_slug is not null), '{}'
    ),
    coalesce(
      array_agg(coalesce(s.opt_max_attempts, f.opt_max_attempts) order by s.step_index)
        filter (where s.step_slug is not null),
      '{}'
    ),
    coalesce(array_agg(s.step_slug order by s.step_slug collate "C") filter (where s.deps_count = 0), '{}'),
    case when bool_or(s.step_type = 'map') then array_agg(a.array_slug order by s.step_index) end,
    coalesce(bool_or(a.array_slug = ''), false),
    coalesce(bool_or(s.step_type = 'map'), false),
    coalesce(bool_or(pgflow._has_condition(s) or s.kind in ('signal', 'sleep', 'pick')), false),
    coalesce(bool_or(s.opt_start_delay > 0), false),
    coalesce(array_agg(s.kind order by s.step_index) filter (where s.step_slug is not null), '{}'),
    coalesce(bool_or(s.kind <> 'task'), false),
    f.options ?| array['undo', 'ends'],
    f.options #>> '{companion,of}',
    (f.options ->> 'run_timeout')::numeric::int
  from pgflow.flows f
  left join pgflow.steps s on s.flow_slug = f.flow_slug
  cross join lateral (
    select case when s.step_type = 'map' then coalesce(
      (
        select d.dep_slug
        from pgflow.deps d
        where d.flow_slug = s.flow_slug and d.step_slug = s.step_slug and d.is_array
      ),
      ''
    ) end as array_slug
  ) a
  where f.flow_slug in (select c.flow_slug from changed c)
  group by f.flow_slug
  on conflict on constraint prepared_flows_pkey do update
  set flow_timeout = excluded.flow_timeout,
      step_slugs = excluded.step_slugs,
      deps_counts = excluded.deps_counts,
      maps = excluded.maps,
      start_delays = excluded.start_delays,
      timeouts = excluded.timeouts,
      vt_offsets = excluded.vt_offsets,
      max_attempts = excluded.max_attempts,
      root_slugs = excluded.root_slugs,
      array_slugs = excluded.array_slugs,
      has_root_maps = excluded.has_root_maps,
      has_maps = excluded.has_maps,
      has_conditions = excluded.has_conditions,
      has_delays = excluded.has_delays,
      kinds = excluded.kinds,
      has_kinds = excluded.has_kinds,
      has_ends = excluded.has_ends,
      companion_of = excluded.companion_of,
      run_timeout = excluded.run_timeout;
  return null;
end;
$$;
