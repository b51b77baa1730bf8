-- for: client, operator
-- The trail of control, the latest first: what was asked for a run, for a flow (null: any), by whom, and how it ended.
-- Of a call for many runs only the first twenty are found by their ids. before_id: the last action_id seen.
create function pgflow.list_actions(
  only_run uuid default null,
  only_flow text default null,
  max_actions int default 50,
  before_id bigint default null
)
returns table (
  action_id bigint,
  at timestamptz,
  actor text,
  session_role text,
  action text,
  flow_slug text,
  run_ids uuid[],
  run_count int,
  arguments jsonb,
  outcome jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select a.action_id, a.at, a.actor, a.session_role, a.action, a.flow_slug, a.run_ids, a.run_count, a.arguments,
    a.outcome
  from pgflow.actions a
  where (list_actions.only_run is null or a.run_ids @> array[list_actions.only_run])
    and (list_actions.only_flow is null or a.flow_slug = list_actions.only_flow)
    and (a.action_id < list_actions.before_id) is not false
  order by a.action_id desc
  limit greatest(list_actions.max_actions, 0);
end;
$$;
