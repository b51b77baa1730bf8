"""pgflow's runtime: what flow modules, workers and clients import.

What a flow module needs (``Flow``, ``Context``, ``JsonValue`` and the exceptions) is light; ``Worker`` brings
the database driver along and is imported when first asked for (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pgflow_runtime.dsl import DefinitionError, Flow
from pgflow_runtime.dsl.context import Context
from pgflow_runtime.dsl.jsontypes import JsonValue
from pgflow_runtime.dsl.retry_control import NonRetryable, RetryAfter
from pgflow_runtime.errors import PgflowError, TaskCancelled

if TYPE_CHECKING:
    from pgflow_runtime.worker import Worker
    from pgflow_runtime.worker_config import WorkerConfig

__all__ = [
    "Context",
    "DefinitionError",
    "Flow",
    "JsonValue",
    "NonRetryable",
    "PgflowError",
    "RetryAfter",
    "TaskCancelled",
    "Worker",
    "WorkerConfig",
]

_LAZY = {"Worker": "pgflow_runtime.worker", "WorkerConfig": "pgflow_runtime.worker_config"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
