"""Schedules that may have been forgotten, and those whose runs nobody would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgflow_runtime.contract.versions import relative
from pgflow_runtime.doctor.finding import Finding, note, warning
from pgflow_runtime.doctor.flows import known_slugs
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_shared.text import counted

EXAMPLES: Final = 3


def check_schedules(inspection: Inspection) -> Iterator[Finding]:
    """Paused ones; and those of flows that neither this project has nor any worker serves."""
    rows = inspection.rows(
        """
        select s.flow_slug, s.schedule_slug, s.is_paused, exists (
          select from pgflow.workers w
          where w.queue_name = s.flow_slug and w.stopped_at is null and w.deprecated_at is null
            and w.last_heartbeat_at > now() - interval '30 seconds'
        ) as is_served
        from pgflow.schedules s
        order by s.family, s.schedule_slug
        """
    )
    paused = [row for row in rows if row["is_paused"]]
    if paused:
        yield note(
            "schedules.paused",
            f"{counted(len(paused), 'schedule')} paused: {_names(paused)}",
            "`pgflow-gen schedules resume FLOW SLUG` lets them fire again",
        )
    known = known_slugs(inspection)
    left = [
        row
        for row in rows
        if known and row["flow_slug"] not in known and not row["is_served"] and not row["is_paused"]
    ]
    for is_ours in (True, False):
        found = [row for row in left if (relative(row["flow_slug"], known) is not None) is is_ours]
        if found:
            yield _unserved(found, is_ours=is_ours)


def _unserved(rows: list[dict[str, object]], *, is_ours: bool) -> Finding:
    whose = (
        "a version that is not in the sources any more" if is_ours else "a flow that is not of this project"
    )
    return warning(
        "schedules.unserved",
        f"{counted(len(rows), 'schedule')} start{'s' if len(rows) == 1 else ''} runs of {whose}"
        f" and that no worker serves: {_names(rows)}",
        "start a worker that has the flow; or `pgflow-gen schedules pause FLOW SLUG`; or drop it:"
        " select pgflow.drop_schedule('FLOW', 'SLUG')",
    )


def _names(rows: list[dict[str, object]]) -> str:
    names = [f"{row['flow_slug']}.{row['schedule_slug']}" for row in rows]
    return ", ".join(names[:EXAMPLES]) + (", ..." if len(names) > EXAMPLES else "")
