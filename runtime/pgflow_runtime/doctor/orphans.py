"""Rows whose run, flow or step is gone: only who writes past pgflow's functions can leave such."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, ok, problem
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_shared.text import counted

MOST = 20_000
"""Rows of a table that are looked at, from each end of its key: run ids grow with time."""

_STATES = """
    select s.run_id from (
      (select run_id, flow_slug, step_slug from pgflow.step_states order by run_id limit %(most)s)
      union all
      (select run_id, flow_slug, step_slug from pgflow.step_states order by run_id desc limit %(most)s)
    ) s
    where not exists (select from pgflow.runs r where r.run_id = s.run_id)
      or not exists (select from pgflow.steps st
                     where st.flow_slug = s.flow_slug and st.step_slug = s.step_slug)
"""
_TASKS = """
    select t.run_id from (
      (select run_id, step_slug from pgflow.step_tasks order by run_id limit %(most)s)
      union all
      (select run_id, step_slug from pgflow.step_tasks order by run_id desc limit %(most)s)
    ) t
    where not exists (
      select from pgflow.step_states s where s.run_id = t.run_id and s.step_slug = t.step_slug
    )
"""
# the slugs that runs have, each found by one probe of an index
_RUNS = """
    with recursive slugs as (
      (select r.flow_slug from pgflow.runs r order by r.flow_slug limit 1)
      union all
      select (select r.flow_slug from pgflow.runs r where r.flow_slug > s.flow_slug
              order by r.flow_slug limit 1)
      from slugs s where s.flow_slug is not null
    )
    select (select r.run_id from pgflow.runs r where r.flow_slug = s.flow_slug limit 1) as run_id
    from slugs s
    where s.flow_slug is not null
      and not exists (select from pgflow.flows f where f.flow_slug = s.flow_slug)
"""


def check_orphans(inspection: Inspection) -> Iterator[Finding]:
    """Runs without a flow, states without a run or step, tasks without a state."""
    orphans = {
        "rows whose flow is gone": inspection.rows(_RUNS),
        "step states whose run or step is gone": inspection.rows(_STATES, {"most": MOST}),
        "tasks whose step state is gone": inspection.rows(_TASKS, {"most": MOST}),
    }
    for what, rows in orphans.items():
        if rows:
            run_ids = sorted({str(row["run_id"]) for row in rows})
            yield problem(
                "runs.orphans",
                f"there are {what}, of {counted(len(run_ids), 'run')}"
                f" ({run_ids[0]}{', ...' if len(run_ids) > 1 else ''})",
                "rows were deleted or written from outside of pgflow's functions, with triggers off;"
                " delete what is left of these runs",
            )
    if not any(orphans.values()):
        yield ok("runs.orphans", "every run, step state and task belongs to something")
