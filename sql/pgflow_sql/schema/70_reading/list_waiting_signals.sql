-- for: client
-- Runs that wait for a signal, those that have waited longest first: of a flow in whatever version (only_flow names any),
-- of a step; null for all. key: under which send_signal_by_key finds it. deadline_at: when it is exhausted; null: never.
-- after_since, after_run_id and after_step_slug are of the last row seen.
create function pgflow.list_waiting_signals(
  only_flow text default null,
  only_step text default null,
  max_count int default 50,
  after_since timestamptz default null,
  after_run_id uuid default null,
  after_step_slug text default null
)
returns table (
  flow_slug text, step_slug text, run_id uuid, key text, since timestamptz, deadline_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
-- the indexes' order, whatever the statistics say
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_most constant int := least(greatest(coalesce(max_count, 50), 0), 10000);
begin
  if only_flow is null then
    return query
    select w.flow_slug, w.step_slug, w.run_id, w.key, w.since, w.deadline_at
    from pgflow.waiting_signals w
    where (only_step is null or w.step_slug = only_step)
      and w.since >= coalesce(after_since, '-infinity')
      and ((w.since, w.run_id, w.step_slug) > (after_since, after_run_id, after_step_slug)) is not false
    order by w.since, w.run_id, w.step_slug
    limit v_most;
    return;
  end if;
  return query
  select w.flow_slug, w.step_slug, w.run_id, w.key, w.since, w.deadline_at
  from pgflow.steps s
  cross join lateral (
    -- of each signal no more than are wanted in all: its index has them in this order
    select *
    from pgflow.waiting_signals l
    where l.flow_slug = s.flow_slug and l.step_slug = s.step_slug
      and l.since >= coalesce(after_since, '-infinity')
      and ((l.since, l.run_id, l.step_slug) > (after_since, after_run_id, after_step_slug)) is not false
    order by l.since, l.run_id
    limit v_most
  ) w
  where pgflow._family(s.flow_slug) = pgflow._family(only_flow)
    and s.kind = 'signal'
    and (only_step is null or s.step_slug = only_step)
  order by w.since, w.run_id, w.step_slug
  limit v_most;
end;
$$;
