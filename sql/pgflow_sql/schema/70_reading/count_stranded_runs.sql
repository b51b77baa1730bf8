-- for: client, worker
-- Open runs of other versions of the given flows that no worker is there for: they wait for ever. The latest
-- max_scanned runs of each version are looked at.
create function pgflow.count_stranded_runs(served text[], max_scanned int default 10000)
returns table (flow_slug text, open_count int)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select f.flow_slug, o.open_count
  from pgflow.flows f
  cross join lateral (
    select count(*) filter (where r.status = 'started')::int as open_count
    from (
      select x.status from pgflow.runs x
      where x.flow_slug = f.flow_slug
      order by x.started_at desc
      limit greatest(count_stranded_runs.max_scanned, 0)
    ) r
  ) o
  where f.flow_slug <> all (count_stranded_runs.served)
    and exists (
      select from unnest(count_stranded_runs.served) s (slug)
      where pgflow._family(s.slug) = pgflow._family(f.flow_slug)
    )
    and not exists (
      select from pgflow.workers w
      where w.queue_name = f.flow_slug
        and w.stopped_at is null
        and w.deprecated_at is null
        and w.last_heartbeat_at > clock_timestamp() - interval '1 minute'
    )
    and o.open_count > 0
  order by f.flow_slug;
end;
$$;
