"""Where handlers may run: the words of ``executor=``, and which one counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

EXECUTORS: Final = ("process", "dask", "ray")
CLUSTERS: Final = ("dask", "ray")
"""Those that take ``resources=``."""


def executor_of(step: Mapping[str, Any], flow: Mapping[str, Any]) -> Any:
    """Where a step's handler runs, by the options of the step and of its flow; None: in the worker.

    A flow's executor is a default, which is none for steps that cannot have it: those that are transactional.
    """
    if "executor" in step:
        return step["executor"]
    return None if step.get("transactional") is True else flow.get("executor")


def resources_of(step: Mapping[str, Any], flow: Mapping[str, Any]) -> Any:
    """What it needs there; None where that is not said, or nothing that its executor would understand."""
    if executor_of(step, flow) not in CLUSTERS:
        return None
    return step.get("resources", flow.get("resources"))
