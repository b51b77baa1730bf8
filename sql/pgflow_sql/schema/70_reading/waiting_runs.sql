-- for: client
-- A later version may add columns at the end only: create or replace view demands it.
create view pgflow.waiting_runs as
select w.flow_slug, w.run_id, w.step_slug, 'signal' as waits_for, w.since, w.deadline_at as due_at, w.key
from pgflow.waiting_signals w
union all
select t.flow_slug, t.run_id, t.step_slug, t.kind, coalesce(s.started_at, r.started_at), t.due_at, null
from pgflow.timers t
join pgflow.runs r on r.run_id = t.run_id
left join pgflow.step_states s on s.run_id = t.run_id and s.step_slug = t.step_slug
where t.kind in ('sleep', 'begin');

comment on view pgflow.waiting_runs is
  'What runs wait for that no worker can do: signals, the ends of sleeps, the time at which they begin. Quick by run_id.';
comment on column pgflow.waiting_runs.step_slug is 'The step that waits; null: the whole run, which has not begun.';
comment on column pgflow.waiting_runs.waits_for is 'signal, sleep or begin.';
comment on column pgflow.waiting_runs.since is 'When it began to wait.';
comment on column pgflow.waiting_runs.due_at is 'When that is over by itself: for a signal its deadline; null: it has none.';
comment on column pgflow.waiting_runs.key is 'Under which the signal is found by send_signal_by_key.';
