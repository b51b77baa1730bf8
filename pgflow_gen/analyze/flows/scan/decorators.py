"""The decorators of one function: is it a step, and is the flow's decorator the outermost?"""

from __future__ import annotations

import libcst as cst

from pgflow_gen.analyze.flows.scan.declarations import (
    CompanionDeclaration,
    FlowAttribute,
    FlowFinder,
    HandlerDeclaration,
)
from pgflow_gen.analyze.types.faults import report, unresolved
from pgflow_gen.diagnostics import Findings
from pgflow_gen.source.names.index import Assignment, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, External, Missing
from pgflow_shared import companions
from pgflow_shared.kinds import DECORATORS
from pgflow_shared.text import closest, joined

_ALL = (*DECORATORS, *companions.DECORATORS)
"""What a flow's decorators are called."""

# Decorators that do not keep a handler's signature, so that no worker could call it as written.
_BREAKING = {
    (
        "functools",
        "lru_cache",
    ): "it caches the coroutine or result, a step's result is stored in the database",
    ("functools", "cache"): "it caches the coroutine or result, a step's result is stored in the database",
    ("functools", "singledispatch"): "it calls another function than the one written",
    ("contextlib", "contextmanager"): "it turns the handler into a context manager",
    ("contextlib", "asynccontextmanager"): "it turns the handler into a context manager",
    ("builtins", "staticmethod"): "it belongs in a class",
    ("builtins", "classmethod"): "it belongs in a class",
    ("builtins", "property"): "it belongs in a class",
}


def examine(
    finder: FlowFinder, module: ModuleIndex, function: cst.FunctionDef, findings: Findings, *, nested: bool
) -> HandlerDeclaration | CompanionDeclaration | None:
    """The step, undo or end that ``function`` is, None when no flow decorates it.

    Reports PGF214 and PGF103.
    """
    nodes = [_called_once(finder, module, item.decorator, findings) for item in function.decorators]
    matches = [_match(finder, module, node, findings, nested=nested) for node in nodes]
    ours = [at for at, match in enumerate(matches) if match is not None]
    if not ours:
        return None
    first = ours[0]
    match, name = matches[first], function.name.value
    assert match is not None
    for node in nodes[:first]:
        findings.add(
            "PGF214",
            module.file.span(node),
            f"decorator @{_short(module, node)} stands above @{match.flow.name}.{match.name}",
            help=f"move it below: the flow's decorator is the outermost one of {name!r}",
        )
    for at in ours[1:]:
        findings.add(
            "PGF214",
            module.file.span(nodes[at]),
            f"function {name!r} is made a step twice",
            notes=(f"first at {module.file.span(nodes[first])}",),
            help="define one handler per step; both may call a common function",
        )
    _refuse_breaking(finder, module, nodes[first + 1 :], findings)
    if match.companion is not None:
        return CompanionDeclaration(match.flow, module, function, match.companion, nodes[first])
    assert match.kind is not None
    return HandlerDeclaration(match.flow, module, function, match.kind, nodes[first])


def _called_once(
    finder: FlowFinder, module: ModuleIndex, node: cst.BaseExpression, findings: Findings
) -> cst.BaseExpression:
    """``@flow.step(...)()`` as ``@flow.step(...)``: the second call is reported, the step is read."""
    inner = node
    while isinstance(inner, cst.Call) and isinstance(inner.func, cst.Call):
        inner = inner.func
    if inner is node or finder.attribute(module, inner) is None:
        return node
    findings.add(
        "PGF214",
        module.file.span(node),
        f"@{_short(module, inner)} is called twice",
        help="keep the first pair of parentheses, which holds the options",
    )
    return inner


def _match(
    finder: FlowFinder, module: ModuleIndex, node: cst.BaseExpression, findings: Findings, *, nested: bool
) -> FlowAttribute | None:
    """A decorator of a flow; a misspelt one is reported."""
    found = finder.attribute(module, node)
    if found is not None and found.is_decorator:
        return found
    span = module.file.span(node)
    if found is not None:
        guess = closest(found.name, _ALL)
        findings.add(
            "PGF214",
            span,
            f"a flow has no decorator {found.name!r}",
            help=f"did you mean @{found.flow.name}.{guess}?" if guess else f"use {joined(_ALL, 'or')}",
        )
        return None
    bare = node.func if isinstance(node, cst.Call) else node
    flow = finder.named(module, bare)
    if flow is not None:
        findings.add(
            "PGF214",
            span,
            "a flow itself is no decorator",
            help=f"write @{flow.name}{joined([f'.{name}' for name in DECORATORS], 'or')}",
        )
    elif not nested and isinstance(bare, cst.Attribute) and bare.attr.value in _ALL:
        _refuse_unknown_owner(finder, module, bare.value, findings)
    return None


def _refuse_unknown_owner(
    finder: FlowFinder, module: ModuleIndex, node: cst.BaseExpression, findings: Findings
) -> None:
    """``@x.step`` where x is undefined, or made by the project's own code around ``Flow``."""
    span = module.file.span(node)
    symbol = finder.resolver.resolve(module, node)
    symbol = finder.resolver.follow(symbol) if symbol is not None else None
    if isinstance(symbol, Missing) and "cannot be read" not in symbol.reason:
        report(findings, span, [unresolved(symbol)])
    if not isinstance(symbol, Defined) or not isinstance(symbol.binding, Assignment):
        return
    call = symbol.binding.value
    if not isinstance(call, cst.Call):
        return
    callee = call.func.value if isinstance(call.func, cst.Subscript) else call.func
    maker = finder.resolver.resolve(symbol.module, callee)
    if isinstance(maker, Missing) and symbol.module is module:
        report(findings, module.file.span(callee), [unresolved(maker)])
    if isinstance(maker, Defined) and finder.may_make_flow(maker):
        name = symbol.binding.name
        findings.add(
            "PGF211",
            span,
            f"{name!r} is no flow that can be read: {maker.binding.name}(...) makes it at run time",
            help=f'write {name} = Flow[Input]("slug") at module level',
        )


def _refuse_breaking(
    finder: FlowFinder, module: ModuleIndex, nodes: list[cst.BaseExpression], findings: Findings
) -> None:
    for node in nodes:
        found = finder.resolver.resolve(module, node.func if isinstance(node, cst.Call) else node)
        reason = _BREAKING.get((found.module, found.name)) if isinstance(found, External) else None
        if reason is not None:
            findings.add(
                "PGF214",
                module.file.span(node),
                f"decorator @{_short(module, node)} does not keep the handler's signature: {reason}",
                help="remove it, or put it on a function that the handler calls",
            )


def _short(module: ModuleIndex, node: cst.BaseExpression) -> str:
    return module.file.code(node.func if isinstance(node, cst.Call) else node)
