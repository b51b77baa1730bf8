"""All that is shown of a run, as one look at the database found it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from pgflow_runtime.database import queries
from pgflow_runtime.database.store import from_psycopg, is_passing
from pgflow_runtime.errors import RunNotFound, UnreadableValue
from pgflow_runtime.runs.documents import NOTHING, name_of, put, value_of
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.runs.tree import (
    Branches,
    RunNode,
    read_below,
    read_branches,
    read_companion_nodes,
)


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How far the tasks of a step have come. ``attempts`` counts those of all tasks.

    ``cancelled``: open when their step or their run ended. ``again``: attempts that asked to run again later;
    ``polling``: tasks that wait for that now. ``waiting``: those that wait for a
    time, the first of them until ``due_at``.
    """

    total: int
    completed: int
    started: int
    failed: int
    attempts: int
    cancelled: int = 0
    again: int = 0
    polling: int = 0
    waiting: int = 0
    due_at: datetime | None = None
    tolerated: int = 0
    """Completed ones whose failure is their value (``when_exhausted="value"``)."""
    round: int | None = None
    """Which one a loop has come to; None: the first, or no loop."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed a run: a task, or only a step, or neither; ``message`` ends with a task's traceback."""

    step_slug: str | None
    task_index: int | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a flow looks like in the database. Slug -> slugs it depends on; slug -> attempts at most."""

    dependencies: Mapping[str, tuple[str, ...]]
    max_attempts: Mapping[str, int]
    maps: frozenset[str]
    subflows: frozenset[str] = frozenset()
    """Steps whose tasks start runs of other flows."""
    has_ends: bool = False
    """Whether the end of a run may start companions."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A run, its steps, their tasks, and what failed it."""

    run: RunSnapshot
    shape: Shape
    tasks: Mapping[str, TaskCounts]
    failure: Failure | None = None
    children: Mapping[str, Branches] = field(default_factory=dict)
    """By subflow step: the runs it started."""
    companions: tuple[RunNode, ...] = ()
    """What the run's ends have started."""

    @property
    def message(self) -> str | None:
        """Why the run failed, in one message."""
        if self.run.status != "failed":
            return None
        step = self.run.failed_step
        return self.run.error_message or (step.error_message if step is not None else None)


def place(reading: Reading, failure: Failure) -> str:
    """``count``, for a map's task ``fetch[17]``; nothing where the run failed by itself."""
    is_task_of_map = failure.step_slug in reading.shape.maps and failure.task_index is not None
    return f"{failure.step_slug}[{failure.task_index}]" if is_task_of_map else failure.step_slug or ""


def read_document(
    connection: psycopg.Connection[Any], run_id: UUID, *, whole: bool = True, known: Sequence[str] = ()
) -> dict[str, Any]:
    """The run and its steps as the database words them; each large value is asked for alone.

    Without the run's input and the outputs of its steps, unless ``whole``; without those of ``known`` steps.
    Raises RunNotFound.
    """
    slugs = json.dumps({str(run_id): list(known)})
    values = {"run_ids": [run_id], "known": slugs, "max_bytes": NOTHING}
    row = connection.execute(queries.GET_PROGRESS, values).fetchone()
    if row is None:
        raise RunNotFound(f"there is no run {run_id} in this database")
    document: dict[str, Any] = json.loads(row[1])
    for slug in document.pop("left_out"):
        if whole or slug is None:
            put(document, slug, read_value(connection, run_id, slug, "output"))
    document["run"]["input"] = read_value(connection, run_id, None, "input") if whole else None
    return document


def read_run(connection: psycopg.Connection[Any], run_id: UUID, *, whole: bool = False) -> Reading:
    """Everything that is shown of a run. Raises RunNotFound."""
    run = RunSnapshot.read(read_document(connection, run_id, whole=whole))
    return complete(connection, run, read_shape(connection, run.flow_slug))


def read_again(connection: psycopg.Connection[Any], before: Reading, *, whole: bool = False) -> Reading:
    """The same run some time later; outputs that are known do not travel again. Raises RunNotFound."""
    run = before.run
    document = read_document(connection, run.run_id, whole=whole, known=run.known_outputs)
    return complete(connection, run.updated(document), before.shape)


def read_tree(connection: psycopg.Connection[Any], run_id: UUID, depth: int, most: int) -> RunNode:
    """A run with what is below it. Raises RunNotFound."""
    run = RunSnapshot.read(read_document(connection, run_id, whole=False))
    below = read_below(connection, run_id, depth, most)
    return RunNode(
        "", run_id, run.flow_slug, run.status, run.started_at, run.ended_at,
        run.error_message or run.cancel_reason, 1, below.nodes, below.has_more, run.origin,
    )  # fmt: skip


def read_value(connection: psycopg.Connection[Any], run_id: UUID, step_slug: str | None, kind: str) -> Any:
    """An input or output; an UnreadableValue, not raised, for one that cannot be had."""
    what = name_of(step_slug, kind)
    try:
        values = {"run_id": run_id, "step_slug": step_slug, "kind": kind}
        with connection.transaction():
            row = connection.execute(queries.GET_VALUE, values).fetchone()
    except psycopg.Error as error:
        if is_passing(from_psycopg(error)):
            raise
        return UnreadableValue(f"{what} cannot be sent by the database: {from_psycopg(error).message}")
    return value_of(row[0] if row is not None else None, what)


def complete(
    connection: psycopg.Connection[Any], run: RunSnapshot, shape: Shape, *, depth: int = 1
) -> Reading:
    """Add the tasks, for a failed run the culprit, and the runs it started, so many levels deep."""
    tasks = {
        str(slug): TaskCounts(*counts)
        for slug, *counts in connection.execute(queries.COUNT_TASKS, {"run_id": run.run_id})
    }
    failure = read_failure(connection, run.run_id) if run.status == "failed" else None
    children = {
        slug: read_branches(connection, run.run_id, depth, step_slug=slug) for slug in sorted(shape.subflows)
    }
    has_ended = shape.has_ends and depth > 0
    companions = read_companion_nodes(connection, run.run_id, depth - 1) if has_ended else ()
    return Reading(run, shape, tasks, failure, children, companions)


def read_failure(connection: psycopg.Connection[Any], run_id: UUID) -> Failure | None:
    """What failed the run; None for one that did not fail."""
    row = connection.execute(queries.GET_FAILURE, {"run_id": run_id}).fetchone()
    return None if row is None else Failure(*row)


def read_shape(connection: psycopg.Connection[Any], flow_slug: str) -> Shape:
    """The flow's steps as the database has them."""
    row = connection.execute(queries.GET_DEFINITION, {"flow_slug": flow_slug}).fetchone()
    definition: dict[str, Any] = (row[0] if row is not None else None) or {}
    steps: list[dict[str, Any]] = definition.get("structure", {}).get("steps", [])
    settings: dict[str, Any] = definition.get("settings", {})
    most = {
        step["slug"]: settings.get("steps", {}).get(step["slug"], {}).get("max_attempts")
        or settings.get("max_attempts", 1)
        for step in steps
    }
    return Shape(
        {step["slug"]: tuple(step["dependencies"]) for step in steps},
        most,
        frozenset(step["slug"] for step in steps if step["type"] == "map"),
        frozenset(step["slug"] for step in steps if step.get("kind") == "subflow"),
        not settings.keys().isdisjoint({"undo", "ends"}),
    )
