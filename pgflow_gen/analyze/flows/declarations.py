"""Flows and steps as found in a module, before their arguments are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import libcst as cst

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.source.index import Assignment, Class, ModuleIndex
from pgflow_gen.source.parse import parse_expression
from pgflow_gen.source.resolve import RUNTIME, Defined, External, Resolver, Symbol
from pgflow_shared.kinds import KINDS, StepKind


@dataclass(frozen=True, slots=True, eq=False)
class FlowDeclaration:
    """``name = Flow[Input]("slug", ...)``."""

    symbol: Defined
    call: cst.Call
    input: tuple[ModuleIndex, cst.BaseExpression] | None
    """The type between the brackets, and the module it is written in."""

    @property
    def key(self) -> FlowKey:
        return FlowKey(*self.symbol.key)

    @property
    def name(self) -> str:
        return self.symbol.binding.name


@dataclass(frozen=True, slots=True, eq=False)
class StepDeclaration:
    """A function below a flow's decorator."""

    flow: FlowDeclaration
    module: ModuleIndex
    function: cst.FunctionDef
    kind: StepKind
    decorator: cst.BaseExpression

    @property
    def args(self) -> list[cst.Arg]:
        return list(self.decorator.args) if isinstance(self.decorator, cst.Call) else []


@dataclass(frozen=True, slots=True)
class FlowAttribute:
    """``flow.<name>``, whether or not a flow has such a decorator."""

    flow: FlowDeclaration
    name: str

    @property
    def kind(self) -> StepKind | None:
        return cast(StepKind, self.name) if self.name in KINDS else None


@dataclass(slots=True)
class FlowFinder:
    """Tells flows and their decorators from everything else."""

    resolver: Resolver
    _memo: dict[tuple[str, str], FlowDeclaration | None]

    def flow(self, symbol: Symbol | None) -> FlowDeclaration | None:
        """The flow a symbol is, if it is one."""
        found = self.resolver.follow(symbol) if symbol is not None else None
        if not isinstance(found, Defined) or not isinstance(found.binding, Assignment):
            return None
        if found.key not in self._memo:
            self._memo[found.key] = self._declaration(found, found.binding)
        return self._memo[found.key]

    def named(self, module: ModuleIndex, node: cst.BaseExpression) -> FlowDeclaration | None:
        """The flow an expression names."""
        return self.flow(self.resolver.resolve(module, node))

    def attribute(self, module: ModuleIndex, node: cst.BaseExpression) -> FlowAttribute | None:
        """``flow.step``, as written or called."""
        node = node.func if isinstance(node, cst.Call) else node
        if not isinstance(node, cst.Attribute):
            return None
        flow = self.named(module, node.value)
        return FlowAttribute(flow, node.attr.value) if flow is not None else None

    def is_flow_call(self, module: ModuleIndex, node: cst.CSTNode | None) -> bool:
        """Whether an expression makes a flow: ``Flow(...)`` or ``Flow[X](...)``."""
        return isinstance(node, cst.Call) and self._callee(module, node.func) is not None

    def is_odd_flow_call(self, module: ModuleIndex, node: cst.Call) -> bool:
        """Whether something is made of ``Flow`` in a way nobody writes: ``Flow[X]["y"]("slug")``."""
        head: cst.BaseExpression = node.func
        while isinstance(head, cst.Subscript | cst.Attribute):
            symbol = self.resolver.resolve(module, head)
            if isinstance(symbol, External) and symbol.is_runtime("Flow"):
                return True
            head = head.value
        symbol = self.resolver.resolve(module, head)
        return isinstance(symbol, External) and symbol.is_runtime("Flow")

    def may_make_flow(self, maker: Defined) -> bool:
        """Whether calling something of the project may give a flow: a class only if it is one itself."""
        if not isinstance(maker.binding, Class):
            return RUNTIME in maker.module.file.source.text
        waiting, seen = [maker], {maker.key}
        while waiting:
            symbol = waiting.pop()
            assert isinstance(symbol.binding, Class)
            for base in base_nodes(symbol.binding.definition):
                found = self.resolver.resolve(symbol.module, base)
                found = self.resolver.follow(found) if found is not None else None
                if isinstance(found, External) and found.is_runtime("Flow"):
                    return True
                if isinstance(found, Defined) and isinstance(found.binding, Class) and found.key not in seen:
                    seen.add(found.key)
                    waiting.append(found)
        return False

    def _declaration(self, symbol: Defined, binding: Assignment) -> FlowDeclaration | None:
        if not isinstance(binding.value, cst.Call):
            return None
        callee = self._callee(symbol.module, binding.value.func)
        if callee is None:
            return None
        written = callee[0]
        if written is None and binding.annotation is not None:
            declared = self._callee(symbol.module, _unquoted(binding.annotation))
            written = declared[0] if declared is not None else None
        return FlowDeclaration(symbol, binding.value, written)

    def _callee(
        self, module: ModuleIndex, node: cst.BaseExpression
    ) -> tuple[tuple[ModuleIndex, cst.BaseExpression] | None] | None:
        """For ``Flow`` or ``Flow[X]``, also through ``CrawlFlow = Flow[X]``: the X, if any; else None."""
        for _ in range(10):
            head = node.value if isinstance(node, cst.Subscript) else node
            symbol = self.resolver.resolve(module, head)
            symbol = self.resolver.follow(symbol) if symbol is not None else None
            if isinstance(symbol, External) and symbol.is_runtime("Flow"):
                return (_argument(module, node),)
            is_alias = isinstance(symbol, Defined) and isinstance(symbol.binding, Assignment)
            if not is_alias or isinstance(node, cst.Subscript):
                return None
            assert isinstance(symbol, Defined)
            assert isinstance(symbol.binding, Assignment)
            if not isinstance(symbol.binding.value, cst.Subscript):
                return None
            module, node = symbol.module, symbol.binding.value
        return None


def _unquoted(node: cst.BaseExpression) -> cst.BaseExpression:
    text = node.evaluated_value if isinstance(node, cst.SimpleString) else None
    return (parse_expression(text) if isinstance(text, str) else None) or node


def _argument(module: ModuleIndex, node: cst.BaseExpression) -> tuple[ModuleIndex, cst.BaseExpression] | None:
    if not isinstance(node, cst.Subscript) or len(node.slice) != 1:
        return None
    only = node.slice[0].slice
    return (module, only.value) if isinstance(only, cst.Index) else None
