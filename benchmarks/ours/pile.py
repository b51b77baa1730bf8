"""Fill a flow's queue with tasks that wait for a day, and the table of workers with rows of dead ones.

By SQL, as a million retries would take hours: each run is what a start and a failed first attempt leave.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

_RUNS = """
with runs as (
  insert into pgflow.runs (flow_slug, input, remaining_steps)
  select %(flow)s, %(input)s, 3 from generate_series(1, %(count)s)
  returning run_id
),
states as (
  insert into pgflow.step_states
    (flow_slug, run_id, step_slug, status, remaining_deps, initial_tasks, remaining_tasks, started_at)
  select %(flow)s, r.run_id, s.slug, s.status, s.deps, 1, s.tasks,
    case when s.tasks is not null then now() end
  from runs r
  cross join (
    values ('first', 'started', 0, 1), ('second', 'created', 1, null), ('third', 'created', 1, null)
  ) s(slug, status, deps, tasks)
  returning run_id, step_slug
),
messages as (
  insert into {queue} (vt, message)
  select clock_timestamp() + interval '1 day' + random() * interval '1 hour',
    jsonb_build_object('flow_slug', %(flow)s::text, 'run_id', r.run_id, 'step_slug', 'first', 'task_index', 0)
  from runs r
  returning msg_id, (message ->> 'run_id')::uuid as run_id
)
insert into pgflow.step_tasks (flow_slug, run_id, step_slug, message_id, attempts_count, error_message)
select %(flow)s, m.run_id, 'first', m.msg_id, 1, 'ConnectionError: the service is down'
from messages m
"""
_DEAD = """
insert into pgflow.workers (worker_id, queue_name, function_name, started_at, last_heartbeat_at, beats)
select gen_random_uuid(), %(flow)s, 'dead', now() - interval '1 day', now() - n * interval '10 minutes', true
from generate_series(1, %(count)s) n
"""
_FAILED = """
with runs as (
  insert into pgflow.runs (flow_slug, input, remaining_steps, status, failed_at, error_message)
  select %(flow)s, %(input)s, 3, 'failed', now(), %(error)s from generate_series(1, %(count)s)
  returning run_id
),
states as (
  insert into pgflow.step_states
    (flow_slug, run_id, step_slug, status, remaining_deps, initial_tasks, remaining_tasks, started_at,
     failed_at, error_message)
  select %(flow)s, r.run_id, s.slug, s.status, s.deps, 1, s.tasks,
    case when s.tasks is not null then now() end, case when s.tasks is not null then now() end,
    case when s.tasks is not null then %(error)s end
  from runs r
  cross join (
    values ('first', 'failed', 0, 1), ('second', 'created', 1, null), ('third', 'created', 1, null)
  ) s(slug, status, deps, tasks)
  returning run_id
)
insert into pgflow.step_tasks
  (flow_slug, run_id, step_slug, status, attempts_count, error_message, started_at, failed_at)
select %(flow)s, r.run_id, 'first', 'failed', 3, %(error)s, now(), now()
from runs r
"""
PART = 50_000


def fail_runs(dsn: str, flow: str, count: int) -> None:
    """Make runs whose first step has failed for good."""
    values = {
        "flow": flow,
        "input": '{"n": 1}',
        "count": count,
        "error": "ConnectionError: the service is down",
    }
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(_FAILED, values)
        connection.execute("set session_replication_role = origin")
        connection.execute("vacuum analyze")


def pile_up(dsn: str, flow: str, count: int, dead_workers: int) -> int:
    """Make the backlog; returns how many messages the flow's queue has then."""
    queue = sql.Identifier("pgmq", f"q_{flow}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        # rows are written in the wrong order for the foreign keys' triggers to look at one by one
        connection.execute("set session_replication_role = replica")
        for begin in range(0, count, PART):
            values = {"flow": flow, "input": '{"n": 1}', "count": min(PART, count - begin)}
            connection.execute(sql.SQL(_RUNS).format(queue=queue), values)
        connection.execute("set session_replication_role = origin")
        connection.execute(_DEAD, {"flow": flow, "count": dead_workers})
        connection.execute("vacuum analyze")
        row = connection.execute(sql.SQL("select count(*) from {}").format(queue)).fetchone()
    assert row is not None
    return int(row[0])
