-- Hints for those who announced that they wait: idle workers of these flows, watchers of these runs.
-- PostgreSQL folds equal notifications of one transaction into one.
create function pgflow._notify(flow_slugs text[], run_ids uuid[])
returns void
language plpgsql
as $$
begin
  if not exists (select 1 from pgflow.announcements) then
    return;  -- the common case under load: no per-run work at all
  end if;
  perform pg_notify(c.channel, '')
  from (
    select 'pgflow_work_' || lower(f.slug) as channel from unnest(_notify.flow_slugs) f(slug)
    union
    select 'pgflow_run_' || replace(r.id::text, '-', '') from unnest(_notify.run_ids) r(id)
  ) c
  where exists (
    select 1 from pgflow.announcements a where a.channel = c.channel and a.valid_until > clock_timestamp()
  );
end;
$$;
