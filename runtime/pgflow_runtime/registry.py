"""From ``flows.crawl:crawl`` to a flow with its contract: import the handlers, compare them with the build.

The compiler records in ``generated/`` each flow's handler modules and structure. What is registered when
those modules are imported must be exactly that, else code and generated files are from different times.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pgflow_runtime.contract import FlowContract, StepContract
from pgflow_runtime.dsl import Flow, Step
from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.project import Project
from pgflow_shared.executors import executor_of, resources_of
from pgflow_shared.project import contract_files
from pgflow_shared.text import closest

_BUILD = "run `pgflow-gen build`, and deploy code and generated files together"


@dataclass(frozen=True)
class RegisteredFlow:
    """A flow whose registered steps are those of its contract."""

    flow: Flow[Any]
    contract: FlowContract
    companions: tuple[RegisteredFlow, ...] = ()
    """The flows of its undos and ends, which whoever serves it serves as well."""


def contracts(project: Project) -> Iterator[FlowContract]:
    """The contracts of all flows of a project, by file name."""
    for path in contract_files(project.schemas):
        yield FlowContract.load(path)


def load_flow(spec: str, project: Project) -> RegisteredFlow:
    """The flow named ``MODULE:FLOW``, all its handler modules imported.

    Raises:
        UsageError: there is no such module or flow, or importing it fails; says what there is.
        ProjectError: there is no contract for it, or the registered steps are not those of the contract.
    """
    return register(find_flow(spec, project), project)


def find_flow(spec: str, project: Project) -> Flow[Any]:
    """The flow named ``MODULE:FLOW``, as its module defines it. Raises UsageError."""
    module_name, colon, name = spec.partition(":")
    if not (module_name and colon and name):
        raise UsageError(f"{spec!r} does not name a flow", help=f"write MODULE:FLOW{_known(project)}")
    return _flow_in(_import(module_name, project), name)


def register(flow: Flow[Any], project: Project) -> RegisteredFlow:
    """The flow as its contract names it, all its handler modules imported. Raises as ``load_flow``."""
    contract = _contract_of(flow.db_slug, project)
    known = import_handlers(contract, project)
    return RegisteredFlow(known, contract, tuple(_companions(known, contract, project)))


def import_handlers(contract: FlowContract, project: Project | None = None) -> Flow[Any]:
    """A contract's flow, all its handler modules imported; ``project`` is for what messages can offer.

    Raises:
        UsageError: a module cannot be imported, or the flow is not there.
        ProjectError: the registered steps are not those of the contract.
    """
    for module_name in contract.modules:
        _import(module_name, project)
    module_name, _, name = contract.flow.partition(":")
    known = _flow_in(_import(module_name, project), name)
    require_same(known, contract)
    return known


def _companions(flow: Flow[Any], contract: FlowContract, project: Project) -> Iterator[RegisteredFlow]:
    for slug, companion in flow.companions.items():
        if slug not in contract.companions:
            names = ", ".join(companion.steps)
            raise ProjectError(f"flow {contract.slug!r} was built without {names} of {slug!r}", help=_BUILD)
    for slug in contract.companions:
        own = _contract_of(slug, project)
        companion = flow.companions.get(slug, Flow[Any](slug))
        require_same(companion, own)
        yield RegisteredFlow(companion, own)


def _contract_of(slug: str, project: Project) -> FlowContract:
    for contract in contracts(project):
        if contract.slug == slug:
            return contract
    raise ProjectError(f"{project.schemas} holds no contract of flow {slug!r}", help=_BUILD)


def _import(name: str, project: Project | None) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"there is no module {name!r}", help=f"check its name{_known(project)}"
            ) from error
        raise UsageError(f"importing {name} fails: {error}", help=_place(error)) from error
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"importing {name} fails: {reason}", help=_place(error)) from error


def _flow_in(module: ModuleType, name: str) -> Flow[Any]:
    found = getattr(module, name, None)
    if isinstance(found, Flow):
        return found  # pyright: ignore[reportUnknownVariableType]
    flows = sorted(key for key, value in vars(module).items() if isinstance(value, Flow))
    close = closest(name, flows)
    there = f"; it has {', '.join(flows)}" if flows else "; it has none"
    what = "is no flow" if found is not None else "does not exist"
    raise UsageError(
        f"{module.__name__}:{name} {what}{there}",
        help=f"did you mean {module.__name__}:{close}?" if close else "name a Flow(...) of that module",
    )


def _known(project: Project | None) -> str:
    if project is None:
        return ""
    try:
        names = [contract.flow for contract in contracts(project) if contract.companion_of is None]
    except ProjectError:
        return ""
    return f"; this project has {', '.join(names)}" if names else ""


def _place(error: BaseException) -> str | None:
    """Where a module's import went wrong, in the user's own file."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen")
    ]
    own = [frame for frame in frames if "importlib" not in frame.filename]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else None


def require_same(flow: Flow[Any], contract: FlowContract) -> None:
    """Refuse registered steps that are not those of the contract, naming module and step."""
    faults = [*_missing_and_extra(flow, contract)]
    if flow.preset != contract.preset:
        faults.append(f"it is {_of_preset(flow.preset)}, built as {_of_preset(contract.preset)}")
    for slug, step in contract.steps.items():
        if slug in flow.steps:
            faults += _differences(flow.steps[slug], step)
    if faults:
        lines = "\n  ".join(faults)
        raise ProjectError(f"flow {contract.slug!r} is not what was built:\n  {lines}", help=_BUILD)


def _of_preset(name: str | None) -> str:
    return "a plain flow" if name is None else f"a flow of the preset {name}"


def _where(executor: str | None) -> str:
    return "the worker" if executor is None else f"executor {executor!r}"


def _missing_and_extra(flow: Flow[Any], contract: FlowContract) -> Iterable[str]:
    for slug, step in contract.steps.items():
        if slug not in flow.steps and step.has_handler:
            yield f"step {slug!r} ({step.module}.{step.function}) was built but is not defined"
    for slug, registered in flow.steps.items():
        if slug not in contract.steps:
            yield f"step {slug!r} ({registered.module}.{registered.function}) is defined but was not built"


def _differences(step: Step[Any], contract: StepContract) -> Iterable[str]:
    where = f"step {contract.slug!r} ({step.module}.{step.function})"
    if step.kind != contract.kind:
        yield f"{where} is a {step.kind}, built as {contract.kind}"
    if step.is_async != contract.is_async:
        kinds = ("def", "async def")
        yield f"{where} is `{kinds[step.is_async]}`, built as `{kinds[contract.is_async]}`"
    if bool(step.options.get("transactional", False)) != contract.is_transactional:
        yield f"{where} differs in transactional="
    executor = executor_of(step.options, step.flow.options)
    if executor != contract.executor:
        yield f"{where} runs in {_where(executor)}, built to run in {_where(contract.executor)}"
    if (resources_of(step.options, step.flow.options) or {}) != contract.resources:
        yield f"{where} differs in resources="
    started = step.options.get("subflow")
    if (started.db_slug if isinstance(started, Flow) else started) != contract.subflow:
        yield f"{where} differs in subflow="
    params = list(inspect.signature(step.handler).parameters)
    built = [param.name for param in contract.params]
    if params != built:
        yield f"{where} takes ({', '.join(params)}), built with ({', '.join(built)})"
