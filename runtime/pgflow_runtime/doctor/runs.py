"""Runs that do not move on: without a task, without a message, stalled, or waiting in a long queue."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pgflow_runtime.doctor.finding import Finding, note, ok, problem, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_shared.text import counted

MOST = 5_000
"""Open runs looked at, the oldest first."""
EXAMPLES = 3
LONG = 86_400
"""Seconds after which an open run is worth a note."""
LAG = 300
"""Seconds a task may wait for a free worker."""

_OPEN = sql.SQL(
    """(
      select r.run_id, r.flow_slug, r.started_at from pgflow.runs r
      where r.status = 'started' and r.begins_at is null order by r.started_at limit %(most)s
    ) o"""
)


def check_open_runs(inspection: Inspection) -> Iterator[Finding]:
    row = inspection.row(
        """
        select count(*) as open_count,
          count(*) filter (where started_at < now() - make_interval(secs => %(long)s)) as old_count,
          extract(epoch from now() - min(started_at))::bigint as oldest,
          (array_agg(run_id order by started_at))[1:1] as ids
        from pgflow.runs where status = 'started'
        """,
        {"long": LONG},
    )
    if row["old_count"]:
        yield note(
            "runs.open",
            f"{counted(row['old_count'], 'run')} of {row['open_count']:,} open ones started over a day ago",
            f"`pgflow-gen runs show {row['ids'][0]}` shows the oldest",
        )
    else:
        yield ok("runs.open", f"{counted(row['open_count'], 'open run')}")


def check_stuck_runs(inspection: Inspection) -> Iterator[Finding]:
    """An open run that has begun always has a started step; one without cannot move any more."""
    rows = inspection.rows(
        sql.SQL(
            """
        select o.run_id from {open_runs}
        where not exists (
          select from pgflow.step_states s where s.run_id = o.run_id and s.status = 'started'
        )
        order by o.started_at
        """
        ).format(open_runs=_OPEN),
        {"most": MOST},
    )
    if rows:
        yield problem(
            "runs.stuck",
            f"{counted(len(rows), 'run')} can not move on: open, but no step is started ({_ids(rows)})",
            "rows were changed from outside of pgflow's functions; start these anew",
        )


def check_lost_waits(inspection: Inspection) -> Iterator[Finding]:
    """Steps without a handler, and runs that begin later, whose timer or whose place in the list is gone."""
    rows = inspection.rows(
        sql.SQL(
            """
        select l.run_id from (
          select o.run_id, o.started_at from {open_runs}
          join pgflow.step_states s on s.run_id = o.run_id and s.status = 'started'
          join pgflow.steps st on st.flow_slug = s.flow_slug and st.step_slug = s.step_slug
          where st.kind = 'sleep' and not exists (
            select from pgflow.timers i
            where i.run_id = s.run_id and i.step_slug = s.step_slug and i.kind = 'sleep'
          ) or st.kind = 'signal' and not exists (
            select from pgflow.waiting_signals w where w.run_id = s.run_id and w.step_slug = s.step_slug
          )
          union all
          select r.run_id, r.started_at from (
            select * from pgflow.runs r
            where r.status = 'started' and r.begins_at is not null order by r.started_at limit %(most)s
          ) r
          where not exists (select from pgflow.timers i where i.run_id = r.run_id and i.kind = 'begin')
        ) l
        order by l.started_at
        """
        ).format(open_runs=_OPEN),
        {"most": MOST},
    )
    if rows:
        yield problem(
            "runs.lost-waits",
            f"{counted(len(rows), 'wait')} can not end: what is to happen, or by what others find the step,"
            f" is gone ({_ids(rows)})",
            "rows were changed from outside of pgflow's functions; cancel these runs and retry them",
        )


def check_tasks(inspection: Inspection) -> Iterator[Finding]:
    """Tasks that stalled, or run far beyond their time while nobody takes them over."""
    rows = inspection.rows(
        sql.SQL(
            """
        select t.run_id, t.permanently_stalled_at is not null as is_stalled
        from {open_runs}
        join pgflow.step_tasks t on t.run_id = o.run_id and t.status = 'started'
        join pgflow.step_states s
          on s.run_id = t.run_id and s.step_slug = t.step_slug and s.status = 'started'
        join pgflow.steps st on st.flow_slug = t.flow_slug and st.step_slug = t.step_slug
        join pgflow.flows f on f.flow_slug = t.flow_slug
        where t.permanently_stalled_at is not null
          or t.started_at < now() - make_interval(secs => coalesce(st.opt_timeout, f.opt_timeout) + 120)
        order by o.started_at
        """
        ).format(open_runs=_OPEN),
        {"most": MOST},
    )
    stalled = [row for row in rows if row["is_stalled"]]
    overdue = [row for row in rows if not row["is_stalled"]]
    if stalled:
        yield warning(
            "runs.stalled",
            f"{counted(len(stalled), 'task')} stalled for good ({_ids(stalled)})",
            "a running worker fails them (`stalled`); look in the logs for what killed theirs four times",
        )
    if overdue:
        yield problem(
            "runs.overdue",
            f"{counted(len(overdue), 'task')} run far beyond their timeout ({_ids(overdue)})",
            "workers take such tasks over: is there one for the flow, and does its log tell of errors?",
        )


def check_queued(inspection: Inspection) -> Iterator[Finding]:
    """Per flow: tasks whose message is gone, and messages that wait for a worker."""
    flows = inspection.rows(
        """
        select f.flow_slug, lower('q_' || f.flow_slug) as queue, p.is_paused
        from pgflow.flows f join pgflow.prepared_flows p on p.flow_slug = f.flow_slug
        where to_regclass(format('pgmq.%I', lower('q_' || f.flow_slug))) is not null
        order by f.flow_slug
        """
    )
    for flow in flows:
        queue = sql.Identifier("pgmq", flow["queue"])
        values = {"flow_slug": flow["flow_slug"], "most": MOST}
        yield from _lost(inspection, flow["flow_slug"], queue, values)
        if not flow["is_paused"]:
            yield from _waiting(inspection, flow["flow_slug"], queue)


def _lost(
    inspection: Inspection, slug: str, queue: sql.Identifier, values: dict[str, object]
) -> Iterator[Finding]:
    rows = inspection.rows(
        sql.SQL(
            """
            select t.run_id from (
              select r.run_id, r.started_at, r.held_at from pgflow.runs r
              where r.status = 'started' and r.flow_slug = %(flow_slug)s
              order by r.started_at limit %(most)s
            ) o
            join pgflow.step_tasks t on t.run_id = o.run_id and t.status in ('queued', 'started')
            join pgflow.step_states s
              on s.run_id = t.run_id and s.step_slug = t.step_slug and s.status = 'started'
            where case
              when t.waits_for is null then not exists (select from {queue} m where m.msg_id = t.message_id)
              when t.waits_for = 'hold' then o.held_at is null
              when t.waits_for in ('time', 'round') then not exists (
                select from pgflow.timers i
                where i.kind = 'wait' and i.run_id = t.run_id and i.step_slug = t.step_slug
                  and i.task_index = t.task_index
              )
              when t.waits_for = 'child' then not exists (
                select from pgflow.origins c
                join pgflow.runs k on k.run_id = c.run_id
                where c.kind = 'child' and c.from_run_id = t.run_id and c.step_slug = t.step_slug
                  and c.task_index = t.task_index and c.attempt = t.attempts_count
                  and (k.status = 'started' or exists (
                    select from pgflow.ended_children e where e.child_run_id = k.run_id
                  ) or exists (
                    select from pgflow.timers i where i.run_id = t.run_id and i.kind = 'retry_children'
                  ))
              )
            end
            order by o.started_at
            """
        ).format(queue=queue),
        values,
    )
    if rows:
        yield problem(
            "runs.lost-messages",
            f"{counted(len(rows), 'task')} of flow '{slug}' have neither a message in the queue nor what"
            f" they wait for, so that nobody will be given them ({_ids(rows)})",
            "the queue was emptied from outside (pgmq.purge_queue, a restored dump?); start these runs anew",
        )


def _waiting(inspection: Inspection, slug: str, queue: sql.Identifier) -> Iterator[Finding]:
    row = inspection.row(
        sql.SQL(
            """
            select count(*) as waiting, extract(epoch from clock_timestamp() - min(vt))::bigint as lag
            from {queue} where vt <= clock_timestamp()
            """
        ).format(queue=queue)
    )
    if row["waiting"] and row["lag"] > LAG:
        yield warning(
            "runs.backlog",
            f"{counted(row['waiting'], 'task')} of flow '{slug}' wait for a worker,"
            f" the first for {row['lag']:,} s",
            "start more workers, or raise --max-concurrent; see what their handlers wait for",
        )


def _ids(rows: list[dict[str, object]]) -> str:
    """Some of the runs, each once."""
    ids = list(dict.fromkeys(str(row["run_id"]) for row in rows))
    return ", ".join(ids[:EXAMPLES]) + (", ..." if len(ids) > EXAMPLES else "")
