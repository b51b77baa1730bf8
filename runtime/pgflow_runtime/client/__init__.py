"""What generated clients are built of."""

from __future__ import annotations

from typing import Any, TypeAlias

from psycopg import AsyncConnection, Connection

from pgflow_runtime.client._async.client import AsyncClientBase
from pgflow_runtime.client._async.run import AsyncRun
from pgflow_runtime.client._async.step import AsyncStepRun
from pgflow_runtime.client._sync.client import ClientBase
from pgflow_runtime.client._sync.run import Run
from pgflow_runtime.client._sync.step import StepRun
from pgflow_runtime.client.records import TypedDict
from pgflow_runtime.client.schedule_input import ScheduleOptions
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.runs import events
from pgflow_runtime.runs.kin import ChildRun, CompanionRun, RunOrigin
from pgflow_runtime.runs.schedules import ScheduleInfo
from pgflow_runtime.runs.signals import SignalOutcome, WaitingSignal

AsyncConn: TypeAlias = AsyncConnection[Any]
"""A connection in whose transaction an async client starts runs and sends signals."""
Conn: TypeAlias = Connection[Any]
"""The same of a sync client."""

__all__ = [
    "AsyncClientBase",
    "AsyncConn",
    "AsyncRun",
    "AsyncStepRun",
    "ChildRun",
    "ClientBase",
    "CompanionRun",
    "Conn",
    "FlowContract",
    "Run",
    "RunOrigin",
    "ScheduleInfo",
    "ScheduleOptions",
    "SignalOutcome",
    "StepRun",
    "TypedDict",
    "WaitingSignal",
    "events",
]
