"""pgflow's runtime: what flow modules, workers and clients import.

Each name brings along what it needs when it is first asked for (PEP 562): what a flow module needs (``Flow``,
``Context``, ``JsonValue`` and the exceptions) is light, ``Worker`` needs the database driver, and the plugin
that pytest loads in every session needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgflow_runtime.dsl import DefinitionError, Flow
    from pgflow_runtime.dsl.again import Again
    from pgflow_runtime.dsl.context import Context
    from pgflow_runtime.dsl.default import Default
    from pgflow_runtime.dsl.failed import Failed
    from pgflow_runtime.dsl.jsontypes import JsonValue
    from pgflow_runtime.dsl.resource import Resource
    from pgflow_runtime.dsl.retry_control import NonRetryable, RetryAfter
    from pgflow_runtime.dsl.run_end import RunEnd
    from pgflow_runtime.dsl.schedule import FIRE_DATE, FIRE_TIME
    from pgflow_runtime.dsl.waits import Signal, Sleep
    from pgflow_runtime.errors import PgflowError, TaskCancelled
    from pgflow_runtime.worker import Worker
    from pgflow_runtime.worker_config import WorkerConfig

__all__ = [
    "FIRE_DATE",
    "FIRE_TIME",
    "Again",
    "Context",
    "Default",
    "DefinitionError",
    "Failed",
    "Flow",
    "JsonValue",
    "NonRetryable",
    "PgflowError",
    "Resource",
    "RetryAfter",
    "RunEnd",
    "Signal",
    "Sleep",
    "TaskCancelled",
    "Worker",
    "WorkerConfig",
]

_LAZY = {
    "FIRE_DATE": "pgflow_runtime.dsl.schedule",
    "FIRE_TIME": "pgflow_runtime.dsl.schedule",
    "Again": "pgflow_runtime.dsl.again",
    "Context": "pgflow_runtime.dsl.context",
    "Default": "pgflow_runtime.dsl.default",
    "DefinitionError": "pgflow_runtime.dsl",
    "Failed": "pgflow_runtime.dsl.failed",
    "Flow": "pgflow_runtime.dsl",
    "JsonValue": "pgflow_runtime.dsl.jsontypes",
    "NonRetryable": "pgflow_runtime.dsl.retry_control",
    "PgflowError": "pgflow_runtime.errors",
    "Resource": "pgflow_runtime.dsl.resource",
    "RetryAfter": "pgflow_runtime.dsl.retry_control",
    "RunEnd": "pgflow_runtime.dsl.run_end",
    "Signal": "pgflow_runtime.dsl.waits",
    "Sleep": "pgflow_runtime.dsl.waits",
    "TaskCancelled": "pgflow_runtime.errors",
    "Worker": "pgflow_runtime.worker",
    "WorkerConfig": "pgflow_runtime.worker_config",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
