"""Who works: flows that nobody works on, and workers that died."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.doctor.finding import Finding, note, ok, problem, warning
from pgflow_runtime.doctor.inspection import SILENCE, Inspection
from pgflow_shared.text import counted


def check_workers(inspection: Inspection) -> Iterator[Finding]:
    rows = inspection.rows(
        """
        select f.flow_slug, r.open_count, w.*
        from (
          select f.flow_slug, (select max(t) from unnest(p.timeouts || f.opt_timeout) t) as longest
          from pgflow.flows f left join pgflow.prepared_flows p on p.flow_slug = f.flow_slug
        ) f
        cross join lateral (
          select count(*) as open_count from pgflow.runs r
          where r.flow_slug = f.flow_slug and r.status = 'started'
        ) r
        cross join lateral (
          select
            count(*) filter (where is_open and not is_silent and deprecated_at is null) as alive,
            count(*) filter (where is_open and not is_silent and deprecated_at is not null) as leaving,
            count(*) filter (where is_open and is_silent and is_recent) as dead,
            extract(epoch from now() - max(last_heartbeat_at))::int as silence
          from (
            select w.*, w.stopped_at is null as is_open,
              -- one that does not beat may be silent for as long as a task takes
              w.last_heartbeat_at < now() - make_interval(
                secs => %(silence)s + case when w.beats then 0 else f.longest end
              ) as is_silent,
              w.beats and w.last_heartbeat_at > now() - interval '1 day' as is_recent
            from pgflow.workers w where w.queue_name = f.flow_slug
          ) w
        ) w
        order by f.flow_slug
        """,
        {"silence": SILENCE},
    )
    alive = sum(row["alive"] for row in rows)
    if alive:
        flows = sum(1 for row in rows if row["alive"])
        yield ok("workers.none", f"{counted(alive, 'worker')} at work on {counted(flows, 'flow')}")
    for row in rows:
        yield from _judge(row)


def _judge(row: dict[str, int]) -> Iterator[Finding]:
    flow = f"flow '{row['flow_slug']}'"
    if not row["alive"]:
        heard = (
            f"none has been heard of for {row['silence']:,} s"
            if row["silence"] is not None
            else "none ever was"
        )
        if row["open_count"]:
            yield problem(
                "workers.none",
                f"nobody works on {flow} ({heard}), and {counted(row['open_count'], 'run')} wait",
                "start a worker: `pgflow-gen worker MODULE:FLOW`; its log says why one does not stay",
            )
        else:
            yield note("workers.none", f"nobody works on {flow}, and no run waits")
    if row["dead"]:
        yield warning(
            "workers.dead",
            f"{counted(row['dead'], 'worker')} of {flow} ended within a day without saying so",
            "look in their logs, and for the kernel's out-of-memory killer; `pgflow-gen prune` forgets them",
        )
    if row["leaving"]:
        yield note(
            "workers.deprecated",
            f"{counted(row['leaving'], 'deprecated worker')} of {flow} still finish their tasks",
        )
