"""The steps of a run as the rows of a tree. A DAG is no tree: a step stands below its last dependency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pgflow_runtime.runs.reading import Reading, TaskCounts
from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot
from pgflow_runtime.runs.tree import RunNode, walk
from pgflow_runtime.terminal.words import clock, duration, first_line, ordinal, wait_words
from pgflow_shared.statuses import STATUSES
from pgflow_shared.text import counted


@dataclass(frozen=True, slots=True)
class Row:
    """One step, or a run that one started. ``branch`` is the part of the tree before its name."""

    branch: str
    slug: str
    status: str
    """As the database has it; but ``waiting`` for a step that was created only, and when the run has ended
    before a step, ``not run`` or ``cancelled``."""
    time: str
    progress: tuple[int, int] | None
    """Tasks done and all, where there are several."""
    notes: tuple[str, ...]
    is_run: bool = False
    """Whether it is a run that a step started, with its id where others have their name."""


def step_rows(reading: Reading, now: datetime) -> list[Row]:
    """The rows from top to bottom, each step once."""
    steps = reading.run.steps or {}
    parents = _parents(list(steps), reading.shape.dependencies)
    rows: list[Row] = []

    def add(slug: str, before: str, joint: str, after: str) -> None:
        rows.append(_row(reading, steps[slug], before + joint, now))
        children = [child for child in steps if parents[child] == slug]
        rows.extend(_child_rows(reading, slug, before + after + ("│  " if children else "   "), now))
        for child in children:
            last = child == children[-1]
            add(child, before + after, "└─ " if last else "├─ ", "   " if last else "│  ")

    for slug in steps:
        if parents[slug] is None:
            add(slug, "", "", "")
    return rows


def run_rows(nodes: Sequence[RunNode], now: datetime, before: str = "") -> Iterator[Row]:
    """The rows of runs that another one brought about, each below the one that did."""
    for branch, node in walk(nodes, before):
        yield Row(
            branch,
            f"{node.place}: {node.flow_slug} {node.run_id}",
            node.status,
            duration(node.started_at, node.ended_at or now),
            None,
            tuple(_node_notes(node)),
            is_run=True,
        )


def _child_rows(reading: Reading, slug: str, before: str, now: datetime) -> Iterator[Row]:
    found = reading.children.get(slug)
    if found is not None:
        yield from run_rows(found.nodes, now, before)
        if found.has_more:
            yield Row(before, "... and more", "", "", None, (), is_run=True)


def _node_notes(node: RunNode) -> Iterator[str]:
    if node.number > 1:
        yield f"{ordinal(node.number)} end" if node.place in ("undo", "end") else f"attempt {node.number}"
    if node.error_message:
        yield first_line(node.error_message)
    if node.has_more:
        yield "more runs below"


def step_word(step: StepSnapshot, run: RunSnapshot) -> str:
    """A step's status in a word, with what the end of its run made of it."""
    if step.status == "created":
        return "not run" if run.is_final else STATUSES["created"].word
    return "cancelled" if run.is_final and not step.is_final else step.status


def _parents(slugs: Sequence[str], dependencies: Mapping[str, tuple[str, ...]]) -> dict[str, str | None]:
    """Each step's deepest dependency, of equally deep ones the last; ``slugs`` are in order of definition."""
    depths: dict[str, int] = {}
    parents: dict[str, str | None] = {}
    for slug in slugs:
        known = [name for name in slugs if name in dependencies.get(slug, ()) and name in depths]
        parents[slug] = max(reversed(known), key=lambda name: depths[name], default=None)
        depths[slug] = 1 + max((depths[name] for name in known), default=0)
    return parents


def _row(reading: Reading, step: StepSnapshot, branch: str, now: datetime) -> Row:
    counts = reading.tasks.get(step.step_slug)
    is_map = step.step_slug in reading.shape.maps
    progress = None
    if is_map and step.initial_tasks is not None and step.status != "skipped":
        progress = (counts.completed if counts is not None else step.completed_tasks, step.initial_tasks)
    return Row(
        branch,
        step.step_slug,
        step_word(step, reading.run),
        _time(step, reading, now),
        progress,
        tuple(_notes(reading, step, counts)),
    )


def _time(step: StepSnapshot, reading: Reading, now: datetime) -> str:
    if step.started_at is None:
        return ""
    return duration(step.started_at, step.ended_at or reading.run.ended_at or now)


def _notes(reading: Reading, step: StepSnapshot, counts: TaskCounts | None) -> list[str]:
    slug, run = step.step_slug, reading.run
    if step.status == "created":
        steps = run.steps or {}
        open_ = [name for name in reading.shape.dependencies.get(slug, ()) if not steps[name].is_final]
        return [f"after {', '.join(open_)}"] if open_ and not run.is_final else []
    notes = []
    if counts is not None:
        notes += _attempts(counts, reading.shape.max_attempts.get(slug, 1), slug in reading.shape.maps)
        if counts.failed and counts.total > 1:
            notes.append(f"{counts.failed:,} failed")
        if counts.tolerated:
            notes.append(f"{f'{counts.tolerated:,} ' if counts.total > 1 else ''}failed, kept as a value")
        if counts.round is not None:
            notes.append(f"round {counts.round:,}")
        if counts.cancelled and counts.total > 1:
            notes.append(f"{counts.cancelled:,} cancelled")
        if counts.started and counts.total > 1 and not run.is_final:
            notes.append(f"{counts.started:,} at work")
        if counts.due_at is not None:
            others = f", {counts.waiting:,} of {counts.total:,}" if counts.total > 1 else ""
            notes.append(f"waits until {clock(counts.due_at)}{others}")
    if step.wait is not None and not run.is_final and (counts is None or counts.due_at is None):
        notes.append(wait_words(step.wait))
    if step.skip_reason:
        notes.append(step.skip_reason.replace("_", " "))
    if step.error_message:
        notes.append(first_line(step.error_message))
    return notes


def _attempts(counts: TaskCounts, most: int, is_map: bool) -> list[str]:
    """Nothing where every task was tried once."""
    tried = counts.completed + counts.started + counts.failed + counts.cancelled
    if counts.attempts <= max(tried, 1) and tried:
        return []
    if is_map:
        notes = [counted(counts.attempts, "attempt")] if counts.attempts else []
        return [*notes, f"{counts.polling:,} polling"] if counts.polling else notes
    if counts.polling:
        return [f"attempt {counts.attempts} of {most} asked to run again"]
    if not tried and counts.attempts and not counts.cancelled:
        return [f"attempt {counts.attempts} of {most} failed, to be tried again"]
    return [f"attempt {counts.attempts} of {most}"] if counts.attempts else []
