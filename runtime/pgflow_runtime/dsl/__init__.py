"""The DSL: what a flow module imports. Light on purpose, so that importing a flow costs nothing.

``Flow`` and its three decorators are defined in ``flow.py``, the steps they make in ``steps.py``. The
compiler reads flows without importing them and is the judge of what is valid; what is checked here at
import time is only what would otherwise surface far from its cause.
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
    MapOptions,
    StepOptions,
    WhenUnmet,
)
from pgflow_runtime.dsl.steps import AsyncMapStep, AsyncStep, MapStep, Step, StepKind, SyncStep

__all__ = [
    "Again",
    "AsyncMapStep",
    "AsyncStep",
    "Backoff",
    "Context",
    "DefinitionError",
    "Failed",
    "Flow",
    "FlowOptions",
    "MapOptions",
    "MapStep",
    "Step",
    "StepKind",
    "StepOptions",
    "SyncStep",
    "WhenUnmet",
    "output",
]
