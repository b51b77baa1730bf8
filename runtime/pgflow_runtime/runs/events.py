"""What happens to a run, as typed events, and how they follow from readings of its state.

The promise about order (specification/worker-and-client.md, "Events"): ``run:started`` first, the run's end
last, a step's start before its end, a parent's end before its child's first event; nothing between unrelated
steps, which come in the order of their times. A step that is skipped along with one parent does not wait for
its others. Events are derived, so nobody can miss one by coming late.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias
from uuid import UUID

from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """``event_type`` is that of specification/core.md, "Events"; ``at`` the database's time of it."""

    event_type: ClassVar[str]
    run_id: UUID
    flow_slug: str
    at: datetime

    @property
    def status(self) -> str:
        """The word after the colon: ``started``, ``completed``..."""
        return self.event_type.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStartedEvent(_Event):
    event_type: ClassVar[Literal["run:started"]] = "run:started"
    input: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompletedEvent(_Event):
    event_type: ClassVar[Literal["run:completed"]] = "run:completed"
    output: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailedEvent(_Event):
    event_type: ClassVar[Literal["run:failed"]] = "run:failed"
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelledEvent(_Event):
    event_type: ClassVar[Literal["run:cancelled"]] = "run:cancelled"
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _StepEvent(_Event):
    step_slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStartedEvent(_StepEvent):
    """The step's tasks were queued. A step without tasks (an empty map) completes without this event."""

    event_type: ClassVar[Literal["step:started"]] = "step:started"
    task_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCompletedEvent(_StepEvent):
    event_type: ClassVar[Literal["step:completed"]] = "step:completed"
    output: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailedEvent(_StepEvent):
    event_type: ClassVar[Literal["step:failed"]] = "step:failed"
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkippedEvent(_StepEvent):
    event_type: ClassVar[Literal["step:skipped"]] = "step:skipped"
    skip_reason: str | None
    error_message: str | None


StepEvent: TypeAlias = StepStartedEvent | StepCompletedEvent | StepFailedEvent | StepSkippedEvent
RunEvent: TypeAlias = RunStartedEvent | RunCompletedEvent | RunFailedEvent | RunCancelledEvent
Event: TypeAlias = RunEvent | StepEvent


def derive(
    old: RunSnapshot | None, new: RunSnapshot, dependencies: Mapping[str, Sequence[str]]
) -> list[Event]:
    """The events between two readings (None: before the run), in the promised order.

    ``dependencies``: step slug to the slugs it depends on; what is unknown is taken as independent.
    """
    events: list[Event] = []
    if new.begins_at is not None:
        return []
    if old is None or old.begins_at is not None:
        events.append(RunStartedEvent(**_of_run(new), at=new.started_at, input=new.input))
    before = (old.steps if old is not None else None) or {}
    news = {
        slug: found
        for slug, step in (new.steps or {}).items()
        if (found := list(_of_step(before.get(slug), step, new)))
    }
    events += _ordered(news, dependencies)
    if new.is_final and (old is None or not old.is_final):
        events.append(_end(new))
    return events


def _of_run(run: RunSnapshot) -> dict[str, Any]:
    return {"run_id": run.run_id, "flow_slug": run.flow_slug}


def _end(run: RunSnapshot) -> RunEvent:
    if run.status == "completed":
        at = run.completed_at or run.started_at
        return RunCompletedEvent(**_of_run(run), at=at, output=run.output)
    if run.status == "cancelled":
        at = run.cancelled_at or run.started_at
        return RunCancelledEvent(**_of_run(run), at=at, reason=run.cancel_reason)
    step = run.failed_step
    message = run.error_message or (step.error_message if step else None)
    return RunFailedEvent(**_of_run(run), at=run.failed_at or run.started_at, error_message=message)


def _of_step(old: StepSnapshot | None, new: StepSnapshot, run: RunSnapshot) -> Iterable[StepEvent]:
    common = {**_of_run(run), "step_slug": new.step_slug}
    was_started = old is not None and old.started_at is not None
    if new.started_at is not None and not was_started and not _is_taskless(new):
        yield StepStartedEvent(**common, at=new.started_at, task_count=new.initial_tasks or 0)
    if not new.is_final or (old is not None and old.is_final) or new.status == "cancelled":
        return  # a cancelled step has no event of its own: the run's tells of it
    at = new.completed_at or new.failed_at or new.skipped_at or run.started_at
    if new.status == "completed":
        yield StepCompletedEvent(**common, at=at, output=new.output)
    elif new.status == "failed":
        yield StepFailedEvent(**common, at=at, error_message=new.error_message)
    else:
        yield StepSkippedEvent(**common, at=at, skip_reason=new.skip_reason, error_message=new.error_message)


def _is_taskless(step: StepSnapshot) -> bool:
    return step.status == "completed" and step.initial_tasks == 0


@dataclass(order=True, slots=True)
class _Ready:
    at: datetime
    rank: int
    slug: str = field(compare=False)


def _ordered(
    news: Mapping[str, list[StepEvent]], dependencies: Mapping[str, Sequence[str]]
) -> Iterable[StepEvent]:
    """The earliest event first among those whose predecessors are out: Kahn's algorithm with a heap."""
    waits = {slug: {name for name in dependencies.get(slug, ()) if name in news} for slug in news}
    children: dict[str, list[str]] = {slug: [] for slug in news}
    for slug, parents in waits.items():
        for parent in parents:
            children[parent].append(slug)
    ranks = {slug: rank for rank, slug in enumerate(news)}
    queues = {slug: list(reversed(found)) for slug, found in news.items()}
    ready = [_Ready(found[0].at, ranks[slug], slug) for slug, found in news.items() if not waits[slug]]
    heapq.heapify(ready)
    while ready:
        slug = heapq.heappop(ready).slug
        yield queues[slug].pop()
        freed = [slug] if queues[slug] else []
        if not queues[slug]:
            for child in children[slug]:
                waits[child].discard(slug)
                freed += [] if waits[child] else [child]
        for name in freed:
            heapq.heappush(ready, _Ready(queues[name][-1].at, ranks[name], name))
