"""Events are told apart by their type, which narrows them for both checkers."""

from __future__ import annotations

from typing import assert_never, assert_type

from pgflow_runtime.runs.events import (
    Event,
    RunCancelledEvent,
    RunCompletedEvent,
    RunFailedEvent,
    RunStartedEvent,
    StepCompletedEvent,
    StepFailedEvent,
    StepSkippedEvent,
    StepStartedEvent,
)


def tell(event: Event) -> str | None:
    if event.event_type == "run:started":
        assert_type(event, RunStartedEvent)
        return str(event.input)
    if event.event_type == "run:completed":
        assert_type(event, RunCompletedEvent)
        return None
    if event.event_type == "run:failed":
        assert_type(event, RunFailedEvent)
        return event.error_message
    if event.event_type == "run:cancelled":
        assert_type(event, RunCancelledEvent)
        return event.reason
    if event.event_type == "step:started":
        assert_type(event, StepStartedEvent)
        return event.step_slug
    if event.event_type == "step:completed":
        assert_type(event, StepCompletedEvent)
        return event.step_slug
    if event.event_type == "step:failed":
        assert_type(event, StepFailedEvent)
        return event.error_message
    if event.event_type == "step:skipped":
        assert_type(event, StepSkippedEvent)
        return event.skip_reason
    assert_never(event)
