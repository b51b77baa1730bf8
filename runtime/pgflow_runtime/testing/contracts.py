"""The contract a flow is tested by: of ``generated/`` where that is current, else read by the compiler."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl import Flow
from pgflow_runtime.dsl.waits import WaitingStep
from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.project import find_project
from pgflow_runtime.registry import contracts, find_flow, register, require_same
from pgflow_shared.project import Unusable

_COMPILER = "pgflow_gen.contracts"
"""By name: the runtime imports nothing of the compiler, which need not be installed."""
_known: WeakKeyDictionary[Flow[Any], FlowContract] = WeakKeyDictionary()


def contract_for(flow: Flow[Any]) -> FlowContract:
    """The contract of a flow whose steps are all defined; worked out once a process.

    Raises:
        ProjectError: the flow has faults, or there is neither a compiler nor a contract that fits.
        UsageError: the flow has no steps.
    """
    if flow not in _known:
        _known[flow] = _contract_for(flow)
    return _known[flow]


def flow_of_slug(slug: str, near: Flow[Any]) -> Flow[Any]:
    """The flow of a slug, of the project that ``near`` is of. Raises ProjectError when there is none."""
    module = _module_of(near)
    project = find_project(_start(module))
    contract = _read(slug, module) or next((each for each in contracts(project) if each.slug == slug), None)
    if contract is None:
        raise ProjectError(
            f"{project.schemas} holds no contract of flow {slug!r}", help="run `pgflow-gen build`"
        )
    return find_flow(contract.flow, project)


def _contract_for(flow: Flow[Any]) -> FlowContract:
    module = _module_of(flow)
    contract = _read(flow.db_slug, module)
    if contract is None:
        return _built(flow, module)
    for name in contract.modules:
        if not contract.steps.keys() <= flow.steps.keys():
            importlib.import_module(name)
    require_same(flow, contract)
    return contract


def _read(slug: str, module: Path) -> FlowContract | None:
    """What the compiler says of a flow; None where it is not installed."""
    try:
        compiler = importlib.import_module(_COMPILER)
    except ModuleNotFoundError as error:
        if error.name != _COMPILER.partition(".")[0]:
            raise
        return None
    try:
        return FlowContract.of(compiler.read_contract(_start(module), module, slug), module)
    except Unusable as error:
        raise ProjectError(error.message, help=error.help) from None


def _built(flow: Flow[Any], module: Path) -> FlowContract:
    try:
        return register(flow, find_project(_start(module))).contract
    except ProjectError as error:
        raise ProjectError(
            f"{error}\nWithout the compiler, a test takes types and structure from the generated folder.",
            help="run `pgflow-gen build`, or install the compiler for the tests: pip install pgflow-gen",
        ) from None


def _start(module: Path) -> Path:
    """Where the project is looked for: as by the commands, unless the flow is somewhere else."""
    here = Path.cwd().resolve()
    return here if here in module.parents else module.parent


def _module_of(flow: Flow[Any]) -> Path:
    """The file of the flow's first step: it tells the project, and where a flow outside its folders is."""
    if not flow.steps:
        raise UsageError(f"flow {flow.db_slug!r} has no steps: import the modules that define them")
    first = next(iter(flow.steps.values()))
    home = sys.modules[first.module] if isinstance(first, WaitingStep) else inspect.unwrap(first.handler)
    return Path(inspect.getfile(home)).resolve()
