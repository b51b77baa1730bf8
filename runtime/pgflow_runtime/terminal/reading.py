"""All that is shown of a run, as one look at the database found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from pgflow_runtime import queries
from pgflow_runtime.errors import RunNotFound
from pgflow_runtime.snapshot import RunSnapshot


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How far the tasks of a step have come. ``attempts`` counts those of all tasks.

    ``cancelled``: open when their step or their run ended. ``again``: attempts that asked to run again later;
    ``polling``: tasks that wait for that now.
    """

    total: int
    completed: int
    started: int
    failed: int
    attempts: int
    cancelled: int = 0
    again: int = 0
    polling: int = 0


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


@dataclass(frozen=True, slots=True)
class Reading:
    """A run, its steps, their tasks, and what failed it."""

    run: RunSnapshot
    shape: Shape
    tasks: Mapping[str, TaskCounts]
    failure: Failure | None = None

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


def read_document(connection: psycopg.Connection[Any], run_id: UUID) -> dict[str, Any]:
    """The run and its steps as the database words them. Raises RunNotFound."""
    row = connection.execute(queries.GET_RUNS, {"run_ids": [run_id]}).fetchone()
    if row is None or row[1] is None:
        raise RunNotFound(f"there is no run {run_id} in this database")
    document: dict[str, Any] = row[1]
    return document


def read_run(connection: psycopg.Connection[Any], run_id: UUID) -> Reading:
    """Everything about a run. Raises RunNotFound."""
    run = RunSnapshot.read(read_document(connection, run_id))
    return complete(connection, run, read_shape(connection, run.flow_slug))


def read_again(connection: psycopg.Connection[Any], before: Reading) -> Reading:
    """The same run some time later; outputs that are known do not travel again. Raises RunNotFound."""
    run = before.run
    values = {"run_ids": [run.run_id], "known": _known(run)}
    row = connection.execute(queries.GET_PROGRESS, values).fetchone()
    if row is None:
        raise RunNotFound(f"run {run.run_id} is not in the database any more")
    return complete(connection, run.updated(row[1]), before.shape)


def complete(connection: psycopg.Connection[Any], run: RunSnapshot, shape: Shape) -> Reading:
    """Add the tasks, and for a failed run the culprit."""
    tasks = {
        str(slug): TaskCounts(*map(int, counts))
        for slug, *counts in connection.execute(queries.COUNT_TASKS, {"run_id": run.run_id})
    }
    failure = read_failure(connection, run.run_id) if run.status == "failed" else None
    return Reading(run, shape, tasks, failure)


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
    )


def _known(run: RunSnapshot) -> str:
    import json

    return json.dumps({str(run.run_id): run.known_outputs})
