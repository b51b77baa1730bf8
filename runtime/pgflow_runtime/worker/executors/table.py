"""The executors there are, by the name that ``executor=`` gives them. Imported where a flow asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.executors.base import Elsewhere
from pgflow_runtime.worker_config import WorkerConfig


@dataclass(frozen=True)
class Setting:
    """What an executor is made with."""

    config: WorkerConfig
    shutdown: Shutdown
    """Set when the worker was asked to stop."""
    contracts: tuple[FlowContract, ...]
    """Of the flows whose steps it runs."""


MAKERS: Final[Mapping[str, str]] = {
    "process": "pgflow_runtime.worker.executors.process:ProcessPool",
    "dask": "pgflow_runtime.worker.executors.dask:Dask",
    "ray": "pgflow_runtime.worker.executors.ray:Ray",
}
"""``module:name`` of a class that is made with a ``Setting``."""


def make(name: str, setting: Setting) -> Elsewhere:
    """The executor of a name; nothing is opened yet. Raises UsageError for one that there is not."""
    maker = MAKERS.get(name)
    if maker is None:
        raise UsageError(
            f"executor {name!r} is not one that this release knows", help="install the release that built it"
        )
    module, _, attribute = maker.partition(":")
    made: Callable[[Setting], Elsewhere] = getattr(import_module(module), attribute)
    return made(setting)


def asked_for(contracts: Iterable[FlowContract]) -> dict[str, list[FlowContract]]:
    """The executors that steps name, each with the flows of these steps."""
    found: dict[str, list[FlowContract]] = {}
    for contract in contracts:
        for name in dict.fromkeys(step.executor for step in contract.steps.values()):
            if name is not None:
                found.setdefault(name, []).append(contract)
    return found
