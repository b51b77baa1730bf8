"""Show a run while it goes on: a picture in a terminal, else a line, or a JSON object, for each event."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pgflow_runtime.runs.documents import shown
from pgflow_runtime.runs.events import (
    Event,
    RunCancelledEvent,
    RunCompletedEvent,
    RunStartedEvent,
    StepCompletedEvent,
    StepSkippedEvent,
    StepStartedEvent,
    derive,
)
from pgflow_runtime.runs.reading import Reading
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.terminal.follow import Follower
from pgflow_runtime.terminal.words import clock, duration, first_line, one_line, value_text
from pgflow_shared.text import counted

if TYPE_CHECKING:
    from rich.console import Console


def watch_live(follower: Follower, to: Console) -> Reading:
    """A picture that moves, and at the end the error of a failed run. Returns the final reading."""
    from pgflow_runtime.terminal.rich_view import live_picture, picture, show_end

    readings = follower.readings()
    reading = next(readings)
    with live_picture(to, reading) as live:
        live.update(picture(to, reading, datetime.now().astimezone()), refresh=True)
        for found in readings:
            reading = found
            note = follower.trouble or (None if reading.run.is_final else follower.lonely)
            live.update(picture(to, reading, datetime.now().astimezone(), note), refresh=True)
    show_end(to, reading)
    return reading


def watch_lines(follower: Follower, write: Callable[[str], None]) -> Reading:
    """A line for each event, those that have happened already too. Returns the final reading."""
    trouble: str | None = None
    lonely: str | None = None
    final: Reading | None = None
    for reading, events in _news(follower):
        final = reading
        for event in events:
            write(event_line(event, reading))
        if follower.trouble is not None and follower.trouble != trouble:
            write(f"note: {one_line(follower.trouble)}; trying again")
        trouble = follower.trouble
        if follower.lonely is not None and lonely is None:
            write(f"note: {one_line(follower.lonely)}")
        lonely = lonely or follower.lonely
    assert final is not None
    return final


def watch_json(follower: Follower, write: Callable[[str], None], warn: Callable[[str], None]) -> Reading:
    """The same as JSON, one object a line; that no worker is at work is no event and goes to ``warn``."""
    final: Reading | None = None
    lonely: str | None = None
    for reading, events in _news(follower):
        if follower.lonely is not None and lonely is None:
            warn(f"note: {one_line(follower.lonely)}")
        lonely = lonely or follower.lonely
        for event in events:
            write(json.dumps(event_document(event), ensure_ascii=False))
        final = reading
    assert final is not None
    return final


def event_line(event: Event, reading: Reading) -> str:
    """``2026-03-01 12:30:01  step:completed  fetch  1,000 tasks, 3.20 s``."""
    slug = getattr(event, "step_slug", None)
    parts = [clock(event.at), f"{event.event_type:<14}", slug or f"{event.flow_slug} {event.run_id}"]
    facts = ", ".join(_facts(event, reading))
    return "  ".join([*parts, facts] if facts else parts)


def event_document(event: Event) -> dict[str, Any]:
    """An event as the clients of other languages get it, with its time."""
    named = {
        name: shown(getattr(event, name))
        for name in ("step_slug", "task_count", "skip_reason", "error_message", "output")
        if hasattr(event, name)
    }
    return {
        "event_type": event.event_type,
        "run_id": str(event.run_id),
        "flow_slug": event.flow_slug,
        "status": event.status,
        "at": event.at.isoformat(),
        **named,
    }


def _news(follower: Follower) -> Iterator[tuple[Reading, list[Event]]]:
    told: RunSnapshot | None = None
    for reading in follower.readings():
        yield reading, derive(told, reading.run, reading.shape.dependencies)
        told = reading.run


def _facts(event: Event, reading: Reading) -> Iterator[str]:
    run = reading.run
    if isinstance(event, RunStartedEvent):
        return
    if isinstance(event, RunCompletedEvent):
        yield duration(run.started_at, event.at)
        yield value_text(event.output)
        return
    if isinstance(event, StepStartedEvent):
        yield counted(event.task_count, "task")
        return
    if isinstance(event, StepCompletedEvent):
        step = (run.steps or {})[event.step_slug]
        if step.started_at is not None:
            yield duration(step.started_at, event.at)
        return
    if isinstance(event, RunCancelledEvent):
        yield from [first_line(event.reason)] if event.reason else []
        return
    if isinstance(event, StepSkippedEvent) and event.skip_reason:
        yield event.skip_reason.replace("_", " ")
    if event.error_message:
        yield first_line(event.error_message)
