"""Flows and steps as found in a module, before their arguments are read."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import libcst as cst

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, Class, ModuleIndex
from pgflow_gen.source.names.resolve import RUNTIME, Defined, External, Resolver, Symbol
from pgflow_gen.source.parsing.parse import parse_expression
from pgflow_shared import companions
from pgflow_shared.companions import CompanionKind
from pgflow_shared.kinds import DECORATORS, WAITS, StepKind

_MADE = ("Flow", *WAITS)
"""The runtime's classes whose objects are made at module level."""
Typed: TypeAlias = tuple[ModuleIndex, cst.BaseExpression]
"""An expression that is a type, and the module it is written in."""


K = TypeVar("K", bound=str)


@dataclass(frozen=True, slots=True, eq=False)
class FlowDeclaration:
    """``name = Flow[Input]("slug", ...)``."""

    symbol: Defined
    call: cst.Call
    input: Typed | None
    """The type between the brackets."""
    preset: str | None = None

    @property
    def key(self) -> FlowKey:
        return FlowKey(*self.symbol.key)

    @property
    def name(self) -> str:
        return self.symbol.binding.name


@dataclass(frozen=True, slots=True, eq=False)
class DecoratedFunction(Generic[K]):
    """A function below a flow's decorator, which is called as its kind."""

    flow: FlowDeclaration
    module: ModuleIndex
    function: cst.FunctionDef
    kind: K
    decorator: cst.BaseExpression

    @property
    def args(self) -> list[cst.Arg]:
        return list(self.decorator.args) if isinstance(self.decorator, cst.Call) else []

    @property
    def bound(self) -> cst.Name:
        return self.function.name

    @property
    def name(self) -> str:
        return self.function.name.value

    @property
    def owner(self) -> str:
        """What its options are given to, for messages."""
        return f"@{self.flow.name}.{self.kind}"


class HandlerDeclaration(DecoratedFunction[StepKind]):
    """A function below ``@flow.step`` and its like."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class WaitDeclaration:
    """``name = Signal[Payload](flow, "slug", ...)``, and likewise ``Sleep``: a step without a handler."""

    flow: FlowDeclaration
    module: ModuleIndex
    bound: cst.Name
    kind: StepKind
    call: cst.Call
    payload: Typed | None

    @property
    def args(self) -> list[cst.Arg]:
        return list(self.call.args)

    @property
    def name(self) -> str:
        return self.bound.value

    @property
    def owner(self) -> str:
        """What its options are given to, for messages."""
        return self.kind.capitalize()


StepDeclaration: TypeAlias = HandlerDeclaration | WaitDeclaration


class CompanionDeclaration(DecoratedFunction[CompanionKind]):
    """A function below ``@flow.undo(step)`` or ``@flow.end()``."""

    __slots__ = ()

    @property
    def placed(self) -> list[cst.BaseExpression]:
        """What is given without a name: the step that an undo is of."""
        return [arg.value for arg in self.args if arg.keyword is None and not arg.star]


@dataclass(frozen=True, slots=True, eq=False)
class ScheduleDeclaration:
    """``flow.schedule("slug", ...)``."""

    flow: FlowDeclaration
    module: ModuleIndex
    call: cst.Call


@dataclass(frozen=True, slots=True)
class FlowAttribute:
    """``flow.<name>``, whether or not a flow has such a decorator."""

    flow: FlowDeclaration
    name: str

    @property
    def kind(self) -> StepKind | None:
        return DECORATORS.get(self.name)

    @property
    def companion(self) -> CompanionKind | None:
        return next((kind for kind in companions.DECORATORS if kind == self.name), None)

    @property
    def is_decorator(self) -> bool:
        return self.kind is not None or self.companion is not None


@dataclass(frozen=True, slots=True)
class Made:
    """What a call makes: an object of the runtime's class ``name``, whose X it may say."""

    name: str
    type: Typed | None
    preset: str | None = None


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

    def is_schedule_call(self, module: ModuleIndex, node: cst.CSTNode | None) -> bool:
        """Whether an expression is ``flow.schedule(...)``."""
        attribute = self.attribute(module, node) if isinstance(node, cst.Call) else None
        return attribute is not None and attribute.name == "schedule"

    def made(self, module: ModuleIndex, node: cst.CSTNode | None) -> Made | None:
        """Which of the runtime's classes a call makes an object of, also under another name."""
        return self._callee(module, node.func) if isinstance(node, cst.Call) else None

    def wait(self, symbol: Defined) -> WaitDeclaration | None:
        """The step without a handler that a module's name is bound to."""
        binding = symbol.binding
        if not isinstance(binding, Assignment) or not isinstance(binding.node, cst.Name):
            return None
        call = binding.value
        made = self.made(symbol.module, call)
        if made is None or made.name not in WAITS or not isinstance(call, cst.Call):
            return None
        given = flow_argument(call)
        flow = self.named(symbol.module, given) if given is not None else None
        if flow is None:
            return None
        payload = made.type or self._declared_type(symbol.module, binding)
        return WaitDeclaration(flow, symbol.module, binding.node, WAITS[made.name], call, payload)

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
        made = self.made(symbol.module, binding.value)
        if made is None or made.name != "Flow":
            return None
        written = made.type or self._declared_type(symbol.module, binding)
        return FlowDeclaration(symbol, binding.value, written, made.preset)

    def _declared_type(self, module: ModuleIndex, binding: Assignment) -> Typed | None:
        """The X of ``name: Flow[X] = Flow(...)``."""
        if binding.annotation is None:
            return None
        declared = self._callee(module, _unquoted(binding.annotation))
        return declared.type if declared is not None else None

    def _callee(self, module: ModuleIndex, node: cst.BaseExpression) -> Made | None:
        """What ``Flow`` or ``Flow[X]`` is, also through ``CrawlFlow = Flow[X]``; None for anything else."""
        for _ in range(10):
            head = node.value if isinstance(node, cst.Subscript) else node
            symbol = self.resolver.resolve(module, head)
            symbol = self.resolver.follow(symbol) if symbol is not None else None
            if isinstance(symbol, External) and any(map(symbol.is_runtime, _MADE)):
                return Made(symbol.name, _argument(module, node), symbol.preset)
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


def flow_argument(call: cst.Call) -> cst.BaseExpression | None:
    """What stands where ``Signal`` and ``Sleep`` take their flow."""
    named = [arg.value for arg in call.args if arg.keyword is not None and arg.keyword.value == "flow"]
    placed = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
    return next(iter([*named, *placed]), None)


def _argument(module: ModuleIndex, node: cst.BaseExpression) -> Typed | None:
    if not isinstance(node, cst.Subscript) or len(node.slice) != 1:
        return None
    only = node.slice[0].slice
    return (module, only.value) if isinstance(only, cst.Index) else None
