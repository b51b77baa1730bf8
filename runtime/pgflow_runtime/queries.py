"""The statements clients and commands send, named. The worker's own live with the worker."""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = "select pgflow.schema_version()"

START_FLOWS: Final = """
select run_id, flow_slug, status, input, output, remaining_steps, started_at, completed_at, failed_at
from pgflow.start_flows(%(flow_slug)s, %(inputs)s::jsonb[], %(run_ids)s::uuid[])
"""

GET_RUNS: Final = """
select r.run_id, pgflow.get_run_with_states(r.run_id)
from unnest(%(run_ids)s::uuid[]) as r(run_id)
"""

GET_STRUCTURE: Final = "select pgflow.get_flow_definition(%(flow_slug)s) -> 'structure'"

WATCH: Final = "select pgflow.watch_runs(%(watcher_id)s, %(run_ids)s::uuid[], %(seconds)s)"

UNWATCH: Final = "select pgflow.unwatch_runs(%(watcher_id)s, %(run_ids)s::uuid[])"

FAILED_TASK: Final = """
select step_slug, task_index, error_message
from pgflow.step_tasks
where run_id = %(run_id)s and status = 'failed'
order by failed_at, (error_message is null), step_slug, task_index
limit 1
"""

LIST_RUNS: Final = """
select run_id, flow_slug, status, started_at, coalesce(completed_at, failed_at) as ended_at, remaining_steps
from pgflow.runs
where (%(flow_slug)s::text is null or flow_slug = %(flow_slug)s)
  and (%(status)s::text is null or status = %(status)s)
order by started_at desc, run_id desc
limit %(limit)s
"""

COUNT_TASKS: Final = """
select step_slug,
       count(*) as total,
       count(*) filter (where status = 'completed') as completed,
       count(*) filter (where status = 'started') as started,
       count(*) filter (where status = 'failed') as failed,
       sum(attempts_count) as attempts
from pgflow.step_tasks
where run_id = %(run_id)s
group by step_slug
"""
