"""The events of runs and steps, as programs that subscribe to them import them: from ``runs.events``."""

from __future__ import annotations

from pgflow_runtime.runs.events import (
    Event,
    RunCancelledEvent,
    RunCompletedEvent,
    RunEvent,
    RunFailedEvent,
    RunStartedEvent,
    StepCompletedEvent,
    StepEvent,
    StepFailedEvent,
    StepSkippedEvent,
    StepStartedEvent,
)

__all__ = [
    "Event",
    "RunCancelledEvent",
    "RunCompletedEvent",
    "RunEvent",
    "RunFailedEvent",
    "RunStartedEvent",
    "StepCompletedEvent",
    "StepEvent",
    "StepFailedEvent",
    "StepSkippedEvent",
    "StepStartedEvent",
]
