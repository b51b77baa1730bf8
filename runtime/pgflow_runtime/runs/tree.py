"""A run with the runs it brought about, and theirs: children of its tasks, companions of its ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from pgflow_runtime.database import queries
from pgflow_runtime.runs.kin import ChildRun, CompanionRun, RunOrigin
from pgflow_shared.statuses import RunStatus

MOST: Final = 10
"""Children of a step that are shown, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class RunNode:
    """A run below another one. Times are aware datetimes."""

    place: str
    """What started it: ``bill``, ``bills[3]`` for a task of a map, ``undo``, ``end``; empty at the top."""
    run_id: UUID
    flow_slug: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    error_message: str | None
    number: int = 1
    """Of a child: the attempt at its task; of a companion: the end of its run."""
    branches: tuple[RunNode, ...] = ()
    has_more: bool = False
    """Whether there are more children than ``branches``."""
    origin: RunOrigin | None = None
    """Of the run at the top."""

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "place": self.place,
            "run_id": str(self.run_id),
            "flow_slug": self.flow_slug,
            "status": self.status,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at is not None else None,
            "error_message": self.error_message,
            "number": self.number,
            "runs": [node.document for node in self.branches],
            "has_more": self.has_more,
            **({} if self.origin is None else {"origin": self.origin.document}),
        }


@dataclass(frozen=True, slots=True)
class Branches:
    """What is below a run."""

    nodes: tuple[RunNode, ...] = ()
    has_more: bool = False


def read_branches(
    connection: psycopg.Connection[Any],
    run_id: UUID,
    depth: int,
    most: int = MOST,
    *,
    step_slug: str | None = None,
) -> Branches:
    """The runs that tasks of a run (of a step) started, so many levels deep, ``most`` below each."""
    if depth < 1:
        return Branches()
    children = read_children(connection, run_id, step_slug, most + 1)
    nodes = [_child(connection, child, children, depth, most) for child in children[:most]]
    return Branches(tuple(nodes), len(children) > most)


def read_companion_nodes(
    connection: psycopg.Connection[Any], run_id: UUID, depth: int, most: int = MOST
) -> tuple[RunNode, ...]:
    """What a run's ends have started, with what is below them."""
    return tuple(_companion(connection, run, depth, most) for run in read_companions(connection, run_id))


def read_below(connection: psycopg.Connection[Any], run_id: UUID, depth: int, most: int = MOST) -> Branches:
    """Children first, then companions."""
    children = read_branches(connection, run_id, depth, most)
    companions = read_companion_nodes(connection, run_id, depth - 1, most) if depth > 0 else ()
    return Branches((*children.nodes, *companions), children.has_more)


def read_children(
    connection: psycopg.Connection[Any], run_id: UUID, step_slug: str | None, limit: int
) -> list[ChildRun]:
    """The first children of a run, by step, task and attempt."""
    values = {
        "run_id": run_id,
        "step_slug": step_slug,
        "limit": limit,
        "after_step_slug": None,
        "after_task_index": None,
        "after_attempt": None,
    }
    return [ChildRun(*row) for row in connection.execute(queries.LIST_CHILDREN, values)]


def read_companions(connection: psycopg.Connection[Any], run_id: UUID) -> list[CompanionRun]:
    """What a run's ends have started."""
    return [CompanionRun(*row) for row in connection.execute(queries.LIST_COMPANIONS, {"run_id": run_id})]


def walk(nodes: Sequence[RunNode], before: str = "") -> Iterator[tuple[str, RunNode]]:
    """Each node with the part of the tree before it, from top to bottom."""
    for node in nodes:
        is_last = node is nodes[-1]
        yield before + ("└─ " if is_last else "├─ "), node
        yield from walk(node.branches, before + ("   " if is_last else "│  "))


def _child(
    connection: psycopg.Connection[Any], child: ChildRun, others: Sequence[ChildRun], depth: int, most: int
) -> RunNode:
    is_of_map = any(other.task_index > 0 for other in others if other.step_slug == child.step_slug)
    below = read_below(connection, child.run_id, depth - 1, most)
    return RunNode(
        f"{child.step_slug}[{child.task_index}]" if is_of_map else child.step_slug,
        child.run_id,
        child.flow_slug,
        child.status,
        child.started_at,
        child.ended_at,
        child.error_message,
        child.attempt,
        below.nodes,
        below.has_more,
    )


def _companion(connection: psycopg.Connection[Any], run: CompanionRun, depth: int, most: int) -> RunNode:
    below = read_below(connection, run.run_id, depth, most)
    return RunNode(
        run.kind,
        run.run_id,
        run.flow_slug,
        run.status,
        run.started_at,
        run.ended_at,
        run.error_message,
        run.end_number,
        below.nodes,
        below.has_more,
    )
