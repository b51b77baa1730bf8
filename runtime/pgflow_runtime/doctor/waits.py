"""What waits although nothing is wrong, or because nobody sees to it: holds, pauses, timers, signals."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, note, problem, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_shared.text import counted

LATE = 60
"""Seconds after which a timer that nobody has fired is worth telling."""
LONG = 7
"""Days after which a signal without a deadline may have been forgotten."""
EXAMPLES = 3


def check_timers(inspection: Inspection) -> Iterator[Finding]:
    """Timers that cannot be fired, and those that nobody fires."""
    row = inspection.row(
        """
        select count(*) filter (where failures > 0) as failing,
          (array_agg(error_message order by timer_id) filter (where failures > 0))[1] as error,
          (
            array_agg(
              case kind
                when 'schedule' then format('schedule %%s.%%s', flow_slug, payload ->> 'schedule')
                else format('run %%s', run_id)
              end
              order by timer_id
            ) filter (where failures > 0)
          )[1] as of,
          count(*) filter (where failures = 0 and due_at < now() - make_interval(secs => %(late)s)) as late
        from (
          select timer_id, kind, due_at, flow_slug, run_id, payload, failures, error_message
          from pgflow.timers
          union all
          select ended_id, 'child', due_at, null, run_id, null, failures, error_message
          from pgflow.ended_children
        ) t
        """,
        {"late": LATE},
    )
    if row["failing"]:
        yield warning(
            "timers.failing",
            f"{counted(row['failing'], 'timer')} could not be fired: {row['error']} ({row['of']})",
            "they are tried again, an hour apart at most; repair what the error says, cancel the runs, or"
            " pause the schedules",
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


def check_signals(inspection: Inspection) -> Iterator[Finding]:
    """Signals that nobody has sent for long, and that would be waited for without end."""
    row = inspection.row(
        """
        select count(*) as run_count,
          (array_agg(format('%%s of run %%s', step_slug, run_id) order by since))[1] as first
        from pgflow.waiting_signals
        where deadline_at is null and since < now() - make_interval(days => %(days)s)
        """,
        {"days": LONG},
    )
    if row["run_count"]:
        yield note(
            "signals.waiting",
            f"{counted(row['run_count'], 'signal')} without a deadline, waited for since more than"
            f" {LONG} days, the first {row['first']}",
            "`pgflow-gen runs waiting` lists them: send what they wait for, or cancel their runs;"
            " a `deadline` ends such a wait by itself",
        )


def check_undos(inspection: Inspection) -> Iterator[Finding]:
    """Undos that have failed: what they were to take back stands, and nobody goes on with it by himself."""
    rows = inspection.rows("select run_id, of_run_id, of_flow_slug from pgflow.list_failed_undos(10000)")
    if rows:
        first = rows[0]
        of = f"run {first['of_run_id']}" + (
            f" of flow '{first['of_flow_slug']}'" if first["of_flow_slug"] is not None else ""
        )
        yield problem(
            "undos.failed",
            f"{counted(len(rows), 'undo')} failed, the first {first['run_id']}, of {of}",
            "see what stopped it (`pgflow-gen runs show`), mend that, and `pgflow-gen runs retry` the undo",
        )
