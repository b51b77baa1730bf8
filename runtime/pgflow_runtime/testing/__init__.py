"""Flows in a test: run in memory, by the rules of the SQL core, with the worker's own judgement of values.

Nothing is imported before it is asked for: pytest loads the plugin that stands here in every session.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgflow_runtime.dsl.replacement import Replacement
    from pgflow_runtime.testing.memory_run import MemoryRun, MemoryStep, MemoryTaskResult
    from pgflow_runtime.testing.memory_schedules import Fire, MemorySchedules
    from pgflow_runtime.testing.start import run_flow, start_flow, start_schedules

__all__ = [
    "Fire",
    "MemoryRun",
    "MemorySchedules",
    "MemoryStep",
    "MemoryTaskResult",
    "Replacement",
    "run_flow",
    "start_flow",
    "start_schedules",
]

_LAZY = {
    "Fire": "pgflow_runtime.testing.memory_schedules",
    "MemoryRun": "pgflow_runtime.testing.memory_run",
    "MemorySchedules": "pgflow_runtime.testing.memory_schedules",
    "MemoryStep": "pgflow_runtime.testing.memory_run",
    "MemoryTaskResult": "pgflow_runtime.testing.memory_run",
    "Replacement": "pgflow_runtime.dsl.replacement",
    "run_flow": "pgflow_runtime.testing.start",
    "start_flow": "pgflow_runtime.testing.start",
    "start_schedules": "pgflow_runtime.testing.start",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
