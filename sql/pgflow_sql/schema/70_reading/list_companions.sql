-- for: client
-- What the ends of a run have started: its undos, then what is done at ends, by number of the end; a run that is retried ends
-- again.
create function pgflow.list_companions(parent_id uuid)
returns table (
  kind text, end_number int, run_id uuid, flow_slug text, status text, started_at timestamptz, ended_at timestamptz,
  error_message text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select o.kind, o.attempt, r.run_id, r.flow_slug, r.status, r.started_at,
    coalesce(r.completed_at, r.failed_at, r.cancelled_at), left(coalesce(r.error_message, r.cancel_reason), 300)
  from pgflow.origins o
  cross join lateral (select * from pgflow.runs l where l.run_id = o.run_id limit 1) r
  where o.kind in ('end', 'undo') and o.from_run_id = parent_id
  order by o.attempt, o.kind desc, r.run_id;
end;
$$;
