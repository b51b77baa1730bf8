"""A handler's signature: what each parameter receives, and what the handler returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

import libcst as cst

from pgflow_gen.analyze.flows.steps.loops import LoopReader
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.analyze.types.faults import report, unresolved
from pgflow_gen.analyze.types.generics import parameters_of
from pgflow_gen.analyze.types.scope import Scope, elements
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Parameter, Receives
from pgflow_gen.ir.types import NONE, UNKNOWN, TypeExpr
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import ModuleIndex
from pgflow_gen.source.names.resolve import External, Missing
from pgflow_gen.source.parsing.parse import unquoted
from pgflow_shared.companions import RUN_END
from pgflow_shared.kinds import KINDS, StepKind
from pgflow_shared.presets import PRESETS

_NAMED = {"flow_input": Receives.FLOW_INPUT, "input": Receives.INPUT}


@dataclass(frozen=True, slots=True)
class Signature:
    params: tuple[Parameter, ...]
    returns: TypeExpr | None
    returns_span: Span | None
    state: TypeExpr | None = None
    """What a loop keeps between its rounds."""


@dataclass(frozen=True, slots=True)
class HandlerReader:
    """Reads the signature of one decorated function."""

    reader: TypeReader
    findings: Findings
    module: ModuleIndex
    function: cst.FunctionDef
    kind: StepKind
    preset: str | None
    """That of the flow."""
    named: Mapping[str, Receives] = field(default_factory=lambda: _NAMED)
    """Parameters whose names say what they receive."""

    def read(self) -> Signature:
        self._refuse_generic()
        self._refuse_generator()
        returns, state, span = self._returns()
        # Where a loop keeps nothing, a parameter of that name is a step like any other.
        keeps = self.kind == "loop" and state != NONE
        named = {**self.named, "state": Receives.STATE} if keeps else self.named
        return Signature(self._params(named), returns, span, state)

    @property
    def _scope(self) -> Scope:
        # A handler's own type parameters hide module names; there is nothing they could stand for.
        return Scope(
            self.module,
            dict.fromkeys(parameters_of(self.function.type_parameters), UNKNOWN),
        )

    def _span(self, node: cst.CSTNode) -> Span:
        return self.module.file.span(node)

    def _refuse_generic(self) -> None:
        if self.function.type_parameters is not None:
            self.findings.add(
                "PGF302",
                self._span(self.function.name),
                f"handler {self.function.name.value!r} is generic: its type parameters stand for no type",
                help="a handler cannot be generic: name the types it really takes and returns",
            )

    def _params(self, named: Mapping[str, Receives]) -> tuple[Parameter, ...]:
        written = self.function.params
        self._refuse_variadic(written)
        self._refuse_repeated(written)
        found: list[Parameter] = []
        has_element = not KINDS[self.kind].is_map
        groups = (
            (written.posonly_params, "positional"),
            (written.params, ""),
            (written.kwonly_params, "keyword"),
        )
        for group, how in groups:
            for node in group:
                receives = self._receives(node, named, has_element or how == "keyword")
                has_element = has_element or receives is Receives.ELEMENT
                found.append(self._param(node, receives, how))
        return tuple(found)

    def _receives(self, node: cst.Param, named: Mapping[str, Receives], has_element: bool) -> Receives:
        if node.annotation is not None and self._is_context(node.annotation.annotation):
            return Receives.CONTEXT
        known = named.get(node.name.value)
        if known is not None:
            return known
        if node.annotation is not None and self._is_run_end(node.annotation.annotation):
            return Receives.RUN_END  # under another name, or in a step: 203 says so
        return Receives.DEPENDENCY if has_element else Receives.ELEMENT

    def _param(self, node: cst.Param, receives: Receives, how: str) -> Parameter:
        name, span = node.name.value, self._span(node.name)
        type_: TypeExpr | None = None
        type_span: Span | None = None
        if node.annotation is None:
            self.findings.add(
                "PGF301",
                span,
                f"parameter {name!r} of handler {self.function.name.value!r} has no annotation",
                help="annotate it with the type it receives; Context for the task's context",
            )
        else:
            type_span = self._span(node.annotation.annotation)
            if receives is Receives.RUN_END:
                if name == RUN_END:
                    self._demand_run_end(node.annotation.annotation, span)
            elif receives is not Receives.CONTEXT or self._is_unresolved(node.annotation.annotation):
                type_ = self.reader.annotation(
                    node.annotation.annotation,
                    self._scope,
                    "parameter",
                    prefix=f"parameter {name!r}: ",
                    owner=span,
                )
        if how == "positional" and receives is not Receives.ELEMENT:
            self.findings.add(
                "PGF213",
                span,
                f"parameter {name!r} is positional-only: a worker passes it by name",
                help="remove the / (only a map's element may stand before it)",
            )
        elif how != "keyword" and receives is not Receives.ELEMENT and _is_private(name):
            self.findings.add(
                "PGF213",
                span,
                f"parameter {name!r} is positional-only to type checkers, for its two underscores: "
                "a worker passes it by name",
                help="give the step another slug, or take its output through input",
            )
        return Parameter(
            name,
            receives,
            type_,
            span,
            type_span,
            node.default is not None,
            how == "positional",
            how == "keyword",
        )

    def _demand_run_end(self, node: cst.BaseExpression, span: Span) -> None:
        """What ``run_end`` is has a name of its own, and no other."""
        inner = unquoted(node) if isinstance(node, cst.SimpleString | cst.ConcatenatedString) else node
        symbol = self.reader.symbol(inner, Scope(self.module)) if inner is not None else None
        if isinstance(symbol, Missing):
            report(self.findings, self._span(node), [unresolved(symbol)])
        elif not isinstance(symbol, External) or not symbol.is_runtime("RunEnd"):
            self.findings.add(
                "PGF303",
                span,
                f"handler {self.function.name.value!r} asks for run_end: {self.module.file.code(node)},"
                " but what it gets is a RunEnd",
                help="from pgflow_runtime import RunEnd, and annotate the parameter with it",
            )

    def _refuse_variadic(self, written: cst.Parameters) -> None:
        for node, star in ((written.star_arg, "*"), (written.star_kwarg, "**")):
            if isinstance(node, cst.Param):
                self.findings.add(
                    "PGF213",
                    self._span(node.name),
                    f"handler {self.function.name.value!r} takes {star}{node.name.value}: "
                    "its inputs are not known from its signature",
                    help="name each input as a parameter of its own",
                )

    def _refuse_repeated(self, written: cst.Parameters) -> None:
        """CPython refuses these when it compiles, after the parser has been content."""
        seen: set[str] = set()
        for node in (*written.posonly_params, *written.params, *written.kwonly_params):
            name = node.name.value
            if name in seen:
                message = f"syntax error: duplicate argument {name!r} in function definition"
                self.findings.add("PGF101", self._span(node.name), message)
            seen.add(name)

    def _is_context(self, node: cst.BaseExpression) -> bool:
        """``Context`` under any spelling."""
        for found in self._symbols(node):
            # Not imported is one fault; that no step is called like the parameter would be a second.
            if isinstance(found, Missing) and found.name == "Context":
                return True
            if isinstance(found, External) and found.is_runtime("Context"):
                self._check_preset(found, node)
                return True
        return False

    def _is_run_end(self, node: cst.BaseExpression) -> bool:
        return any(
            isinstance(found, External) and found.is_runtime("RunEnd") for found in self._symbols(node)
        )

    def _symbols(self, node: cst.BaseExpression) -> Iterator[object]:
        """What an annotation names: quoted, dotted, renamed, Annotated, Optional, of a union each member."""
        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                inner = unquoted(node)
                if inner is not None:
                    yield from self._symbols(inner)
            case cst.Name() | cst.Attribute():
                yield self.reader.symbol(node, Scope(self.module))
            case cst.BinaryOperation(operator=cst.BitOr()):
                yield from self._symbols(node.left)
                yield from self._symbols(node.right)
            case cst.Subscript():
                found = self.reader.symbol(node.value, Scope(self.module))
                if isinstance(found, External) and found.is_typing("Annotated", "Optional", "Union"):
                    inside = elements(node) or []
                    for part in inside[:1] if found.name == "Annotated" else inside:
                        yield from self._symbols(part)

    def _check_preset(self, context: External, node: cst.BaseExpression) -> None:
        if context.preset is None or context.preset == self.preset:
            return
        module = PRESETS[context.preset].module
        self.findings.add(
            "PGF216",
            self._span(node),
            f"this Context is of the preset {context.preset}, and the flow is "
            + ("a plain one" if self.preset is None else f"of the preset {self.preset}"),
            help=f"import Flow from {module} too, or Context from pgflow_runtime",
        )

    def _is_unresolved(self, node: cst.BaseExpression) -> bool:
        return isinstance(self.reader.symbol(node, Scope(self.module)), Missing)

    def _refuse_generator(self) -> None:
        if "yield" in self.module.file.source.text and is_generator(self.function):
            self.findings.add(
                "PGF302",
                self._span(self.function.name),
                f"handler {self.function.name.value!r} is a generator, and a generator is not JSON",
                help="return the whole value at once, for example a list",
            )

    def _returns(self) -> tuple[TypeExpr | None, TypeExpr | None, Span | None]:
        """What the handler returns, a loop's state, and the annotation's place."""
        name = self.function.name.value
        if self.function.returns is None:
            self.findings.add(
                "PGF301",
                self._span(self.function.name),
                f"handler {name!r} does not say what it returns",
                help="annotate the return type; -> None when there is nothing to return",
            )
            return None, None, None
        node = self.function.returns.annotation
        span = self._span(node)
        if self.kind == "loop":
            found = LoopReader(self.reader, self.findings, self._scope, name).read(node)
            return found.result, found.state, span
        return self.reader.annotation(node, self._scope, "return"), None, span


def is_generator(function: cst.FunctionDef) -> bool:
    """Whether the function's own body yields; functions inside it do not count."""
    waiting: list[cst.CSTNode] = [function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Yield):
            return True
        if not isinstance(node, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            waiting.extend(node.children)
    return False


def _is_private(name: str) -> bool:
    """Whether checkers take a parameter of that name for positional-only (the typing specification)."""
    return name.startswith("__") and not name.endswith("__")
