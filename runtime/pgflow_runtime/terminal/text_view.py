"""Runs as plain text, a fact a line: for files, pipes and logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pgflow_runtime.runs.reading import Reading, place
from pgflow_runtime.runs.schedules import when_of
from pgflow_runtime.runs.tree import RunNode
from pgflow_runtime.terminal.rows import Row, run_rows, step_rows
from pgflow_runtime.terminal.words import (
    clock,
    duration,
    first_line,
    last_words,
    list_words,
    next_words,
    origin_words,
    printable,
    value_text,
)


def run_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each run of a list."""
    for row in rows:
        took = duration(row["started_at"], row["ended_at"]) if row["ended_at"] is not None else "running"
        when = f"{clock(row['started_at'])}  {row['status']:<9}  {took:>11}"
        why = list_words(row)
        yield f"{row['run_id']}  {when}  {row['flow_slug']}" + (f"  ({why})" if why else "")


def failed_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each failed run: when, which step, why."""
    for row in rows:
        where = ".".join(filter(None, (row["flow_slug"], row["step_slug"])))
        why = first_line(row["error_message"] or "")
        yield f"{row['run_id']}  {clock(row['ended_at'])}  {where}  {why}".rstrip()


def waiting_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each run that waits for somebody: since when, for what, until when."""
    for row in rows:
        key = f"  key {printable(row['key'])}" if row["key"] is not None else ""
        until = f"  until {clock(row['deadline_at'])}" if row["deadline_at"] is not None else ""
        yield f"{row['run_id']}  {clock(row['since'])}  {row['flow_slug']}.{row['step_slug']}{key}{until}"


def schedule_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each schedule: when, its next fire, what became of the last."""
    for row in rows:
        name = f"{row['flow_slug']}.{row['schedule_slug']}"
        yield f"{name}  {printable(when_of(row['spec']))}  {next_words(row)}  {last_words(row)}"


def reading_lines(reading: Reading, now: datetime) -> Iterator[str]:
    """A run with its steps, and at its end output or error."""
    run = reading.run
    yield f"run     {run.run_id}"
    yield f"flow    {run.flow_slug}"
    yield f"started {clock(run.started_at)}"
    yield f"status  {run.status}, {duration(run.started_at, run.ended_at) if run.ended_at else 'running'}"
    if run.origin is not None:
        yield f"from    {origin_words(run.origin)}"
    if run.begins_at is not None:
        yield f"begins  {clock(run.begins_at)}"
    if run.held_at is not None and not run.is_final:
        yield f"held    since {clock(run.held_at)}"
    if run.cancel_reason:
        yield f"reason  {first_line(run.cancel_reason)}"
    if reading.message:
        yield f"error   {first_line(reading.message)}"
    rows = step_rows(reading, now)
    width = max((len(row.slug) for row in rows if not row.is_run), default=0)
    for row in rows:
        if row.is_run:
            yield f"    {row_line(row)}"
            continue
        facts = [row.time] if row.time else []
        if row.progress:
            facts.append(f"{row.progress[0]:,}/{row.progress[1]:,} tasks")
        facts += row.notes
        yield f"  {row.slug:<{width}}  {row.status:<9}  {'; '.join(facts)}".rstrip()
    if reading.companions:
        yield "after its end"
        yield from tree_lines(reading.companions, now)
    yield from failure_lines(reading)
    if run.status == "completed":
        yield f"output  {value_text(run.output)}"


def tree_lines(nodes: Sequence[RunNode], now: datetime) -> Iterator[str]:
    """A line for each run below another one."""
    for row in run_rows(nodes, now):
        yield f"  {row.branch}{row_line(row)}"


def node_lines(root: RunNode, now: datetime) -> Iterator[str]:
    """A run and those below it."""
    took = duration(root.started_at, root.ended_at or now)
    yield f"{root.flow_slug} {root.run_id}  {root.status}  {took}"
    if root.origin is not None:
        yield f"  {origin_words(root.origin)}"
    yield from tree_lines(root.branches, now)
    if root.has_more:
        yield "  ... and more"


def row_line(row: Row) -> str:
    """A run below another one: what started it, which run it is, how it is."""
    facts = "; ".join(filter(None, (row.time, *row.notes)))
    return f"{row.slug}  {row.status}  {facts}".rstrip()


def failure_lines(reading: Reading) -> Iterator[str]:
    """The task, or the step, that failed the run, and its traceback."""
    failure = reading.failure
    if failure is None or failure.step_slug is None or not failure.message:
        return
    yield f"{'step' if failure.task_index is None else 'task'}    {place(reading, failure)}"
    for line in printable(failure.message).splitlines():
        yield f"  {line}".rstrip()
