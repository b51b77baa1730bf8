"""Which flows may be rendered although others have faults: those whose files hold none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.ir.types import (
    AliasRef,
    ClassRef,
    EnumType,
    RecordRef,
    TypeExpr,
    TypeKey,
    TypeTable,
    children,
)


def flows_without_errors(
    analysis: Analysis, module_paths: Mapping[str, str], findings: Findings
) -> tuple[FlowSpec, ...]:
    """The flows in whose files, and in those of their types, no error was found."""
    if not findings.has_errors:
        return analysis.flows
    faulty = {item.span.path for item in findings if item.severity == "error"}
    return tuple(
        flow
        for flow in analysis.flows
        if not any(module_paths.get(module) in faulty for module in _modules(flow, analysis.types))
    )


def _modules(flow: FlowSpec, types: TypeTable) -> Iterator[str]:
    """The modules that a flow is made of: its own, its steps', and those of all types it mentions."""
    yield from (*flow.modules, *flow.leads_to)
    seen: set[TypeKey] = set()
    stack = [flow.input, *(type_ for step in flow.steps for type_ in (step.returns, step.state))]
    handlers = [item.step for item in flow.companions]
    stack += [step.returns for step in handlers]
    stack += [param.type for step in (*flow.steps, *handlers) for param in step.params]
    for step in flow.steps:
        if step.child is not None:
            stack += [step.child.input, step.child.output]
    while stack:
        type_ = stack.pop()
        if type_ is None:
            continue
        stack += children(type_)
        if isinstance(type_, EnumType):
            yield type_.key.module
        if isinstance(type_, RecordRef | ClassRef | AliasRef) and type_.key not in seen:
            seen.add(type_.key)
            yield type_.key.module
            stack += _inside(type_, types)


def _inside(ref: RecordRef | ClassRef | AliasRef, types: TypeTable) -> list[TypeExpr]:
    if not isinstance(ref, AliasRef):
        record = types.records.get(ref.key)
        return [] if record is None else [item.type for item in record.fields]
    alias = types.aliases.get(ref.key)
    return [] if alias is None else [alias.target]
