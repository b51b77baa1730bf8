"""The DSL: what a flow module imports. Light on purpose, so that importing a flow costs nothing.

``Flow`` and its decorators are defined in ``flow.py``, the steps they make in ``steps.py``, those without a
handler in ``waits.py``. The compiler reads flows without importing them and is the judge of what is valid;
what is checked here at import time is only what would otherwise surface far from its cause.
"""

from __future__ import annotations

from pgflow_runtime.dsl.again import Again
from pgflow_runtime.dsl.context import Context
from pgflow_runtime.dsl.failed import Failed
from pgflow_runtime.dsl.flow import Flow, output
from pgflow_runtime.dsl.options import (
    Backoff,
    DefinitionError,
    FlowOptions,
    LoopOptions,
    MapOptions,
    StepOptions,
    SubflowOptions,
    WaitOptions,
    WhenUnmet,
)
from pgflow_runtime.dsl.run_end import EndOn, RunEnd, UndoWhen
from pgflow_runtime.dsl.schedule import FIRE_DATE, FIRE_TIME, CatchUp, Overlap, Schedule
from pgflow_runtime.dsl.steps import (
    AsyncLoopStep,
    AsyncMapStep,
    AsyncStep,
    AsyncSubflowStep,
    AsyncValueMapStep,
    AsyncValueStep,
    LoopStep,
    MapStep,
    Step,
    SubflowStep,
    SyncStep,
    ValueMapStep,
    ValueStep,
)
from pgflow_runtime.dsl.waits import Sent, Signal, Sleep, WaitingStep
from pgflow_shared.kinds import StepKind

__all__ = [
    "FIRE_DATE",
    "FIRE_TIME",
    "Again",
    "AsyncLoopStep",
    "AsyncMapStep",
    "AsyncStep",
    "AsyncSubflowStep",
    "AsyncValueMapStep",
    "AsyncValueStep",
    "Backoff",
    "CatchUp",
    "Context",
    "DefinitionError",
    "EndOn",
    "Failed",
    "Flow",
    "FlowOptions",
    "LoopOptions",
    "LoopStep",
    "MapOptions",
    "MapStep",
    "Overlap",
    "RunEnd",
    "Schedule",
    "Sent",
    "Signal",
    "Sleep",
    "Step",
    "StepKind",
    "StepOptions",
    "SubflowOptions",
    "SubflowStep",
    "SyncStep",
    "UndoWhen",
    "ValueMapStep",
    "ValueStep",
    "WaitOptions",
    "WaitingStep",
    "WhenUnmet",
    "output",
]
