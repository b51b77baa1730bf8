"""What waits although nothing is wrong, or because nobody fires timers: holds, pauses, timers."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, note, problem, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_shared.text import counted

LATE = 60
"""Seconds after which a timer that nobody has fired is worth telling."""
EXAMPLES = 3


def check_timers(inspection: Inspection) -> Iterator[Finding]:
    """Timers that cannot be fired, and those that nobody fires."""
    row = inspection.row(
        """
        select count(*) filter (where failures > 0) as failing,
          (array_agg(error_message order by timer_id) filter (where failures > 0))[1] as error,
          (array_agg(run_id::text order by timer_id) filter (where failures > 0))[1] as run_id,
          count(*) filter (where failures = 0 and due_at < now() - make_interval(secs => %(late)s)) as late
        from pgflow.timers
        """,
        {"late": LATE},
    )
    if row["failing"]:
        yield warning(
            "timers.failing",
            f"{counted(row['failing'], 'timer')} could not be fired: {row['error']} (run {row['run_id']})",
            "they are tried again, an hour apart at most; repair what the error says, or cancel the runs",
        )
    if row["late"]:
        yield problem(
            "timers.late",
            f"{counted(row['late'], 'timer')} fell due over a minute ago, and nobody has fired them",
            "start a worker, of whatever flow; if one runs, its log says what is in its way",
        )


def check_holds(inspection: Inspection) -> Iterator[Finding]:
    """Runs that are held, flows that are paused: somebody may have forgotten them."""
    held = inspection.row(
        """
        select count(*) as run_count, (array_agg(run_id::text order by held_at))[1] as run_id
        from pgflow.runs where status = 'started' and held_at is not null
        """
    )
    if held["run_count"]:
        yield note(
            "runs.held",
            f"{counted(held['run_count'], 'open run')} held, the first {held['run_id']}",
            "`pgflow-gen runs release` lets them go on",
        )
    paused = inspection.rows("select flow_slug from pgflow.prepared_flows where is_paused order by flow_slug")
    if paused:
        slugs = [str(flow["flow_slug"]) for flow in paused]
        yield note(
            "flows.paused",
            f"{counted(len(slugs), 'flow')} paused: {', '.join(slugs[:EXAMPLES])}"
            + (", ..." if len(slugs) > EXAMPLES else ""),
            "`pgflow-gen flows resume` lets them go on",
        )


def check_schedules(inspection: Inspection) -> Iterator[Finding]:
    """Schedules that are paused: somebody may have forgotten them."""
    rows = inspection.rows(
        "select flow_slug, schedule_slug from pgflow.schedules where is_paused order by family, schedule_slug"
    )
    if rows:
        names = [f"{row['flow_slug']}.{row['schedule_slug']}" for row in rows]
        yield note(
            "schedules.paused",
            f"{counted(len(names), 'schedule')} paused: {', '.join(names[:EXAMPLES])}"
            + (", ..." if len(names) > EXAMPLES else ""),
            "`pgflow-gen schedules resume FLOW SLUG` lets them fire again",
        )
