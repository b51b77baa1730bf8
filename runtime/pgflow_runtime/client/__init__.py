"""What generated clients are built of."""

from __future__ import annotations

from pgflow_runtime.client._async.client import AsyncClientBase
from pgflow_runtime.client._async.run import AsyncRun
from pgflow_runtime.client._async.step import AsyncStepRun
from pgflow_runtime.client._sync.client import ClientBase
from pgflow_runtime.client._sync.run import Run
from pgflow_runtime.client._sync.step import StepRun
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.runs import events

__all__ = [
    "AsyncClientBase",
    "AsyncRun",
    "AsyncStepRun",
    "ClientBase",
    "FlowContract",
    "Run",
    "StepRun",
    "events",
]
