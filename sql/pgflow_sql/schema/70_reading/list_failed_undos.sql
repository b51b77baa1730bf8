-- for: client
-- Undos that have failed or were cancelled, those of the earliest runs first: somebody has to look at each, and to retry it
-- when its cause is mended; failed_at: when it ended so; not those whose runs have been retried since. of_run_id and of_flow_slug: what was to be undone; it may have been pruned, then the slug is null. after_run_id: of
-- the last row seen.
create function pgflow.list_failed_undos(max_count int default 50, after_run_id uuid default null)
returns table (
  run_id uuid, flow_slug text, of_run_id uuid, of_flow_slug text, end_number int, started_at timestamptz,
  failed_at timestamptz, error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the index's order, whatever the statistics say
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_most constant int := least(greatest(coalesce(max_count, 50), 0), 10000);
begin
  return query
  select r.run_id, r.flow_slug, o.from_run_id, p.flow_slug, o.attempt, r.started_at,
    coalesce(r.failed_at, r.cancelled_at), left(case when r.failed_at is null
      then 'cancelled' || coalesce(': ' || nullif(r.cancel_reason, ''), '') else r.error_message end, 300)
  from pgflow.flows f
  cross join lateral (
    -- of each flow no more than are wanted in all: its index has them in this order
    select *
    from pgflow.runs l
    where l.flow_slug = f.flow_slug and (l.failed_at is not null or l.cancelled_at is not null) and l.has_origin
      and (l.run_id > list_failed_undos.after_run_id) is not false
    order by l.run_id
    limit v_most
  ) r
  join pgflow.origins o on o.run_id = r.run_id and o.kind = 'undo'
  left join lateral (select l.flow_slug from pgflow.runs l where l.run_id = o.from_run_id limit 1) p on true
  where right(f.flow_slug, 6) = '__undo' and not pgflow._is_left_behind(o.from_run_id, o.attempt)
  order by r.run_id
  limit v_most;
end;
$$;
