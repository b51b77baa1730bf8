"""What a loop's handler is annotated to return: ``Again[State] | Result``."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.analyze.types.faults import TypeFault, report
from pgflow_gen.analyze.types.limits import too_deep
from pgflow_gen.analyze.types.scope import Scope, elements
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.types import TypeExpr, union
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.resolve import External
from pgflow_gen.source.parsing.parse import unquoted

_FORM = "annotate it -> Again[State] | Result, with Again[None] when nothing is kept between rounds"


@dataclass(frozen=True, slots=True)
class LoopReturns:
    """Both parts of the annotation; None where there is none that can be read (a finding says why)."""

    state: TypeExpr | None
    result: TypeExpr | None


@dataclass(frozen=True, slots=True)
class LoopReader:
    reader: TypeReader
    findings: Findings
    scope: Scope
    name: str
    """The handler's."""

    def read(self, node: cst.BaseExpression) -> LoopReturns:
        """The parts of ``node``, the whole annotation; what is wrong is reported there."""
        parts = list(self._parts(node))
        again = [part for part in parts if self._is_again(part)]
        results = [part for part in parts if not self._is_again(part)]
        message = None
        if not again:
            message = f"loop {self.name!r} never asks to be run again: it does not return Again[...]"
        elif len(again) > 1:
            message = f"loop {self.name!r} returns Again[...] in {len(again)} ways"
        elif not isinstance(again[0], cst.Subscript) or len(elements(again[0]) or ()) != 1:
            message = f"loop {self.name!r} does not say what it keeps between its rounds: Again without [...]"
        elif not results:
            message = f"loop {self.name!r} never ends: it returns nothing but Again[...]"
        if message is not None:
            self.findings.add("PGF223", self.scope.module.file.span(node), message, help=_FORM)
            return LoopReturns(None, None)
        assert isinstance(again[0], cst.Subscript)
        [state, *found] = self._types(node, [*(elements(again[0]) or ()), *results])
        return LoopReturns(state, union(*found))

    def _types(self, whole: cst.BaseExpression, nodes: list[cst.BaseExpression]) -> list[TypeExpr]:
        """The types that ``nodes`` spell; their faults are reported at the ``whole`` annotation."""
        faults: list[TypeFault] = []
        found: list[TypeExpr] = []
        for node in nodes:
            try:
                read = self.reader.read(node, self.scope, faults)
                found.append(self.reader.limit(read, "return", faults))
                self.reader.records.drain()
            except RecursionError:
                faults.append(too_deep())
        report(self.findings, self.scope.module.file.span(whole), faults)
        return found

    def _parts(self, node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
        """The members of a union, however it is written."""
        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                inner = unquoted(node)
                yield from [node] if inner is None else self._parts(inner)
            case cst.BinaryOperation(operator=cst.BitOr()):
                yield from self._parts(node.left)
                yield from self._parts(node.right)
            case cst.Subscript() if self._is_typing(node, "Union"):
                for element in elements(node) or ():
                    yield from self._parts(element)
            case cst.Subscript() if self._is_typing(node, "Annotated"):
                for element in (elements(node) or [])[:1]:
                    yield from self._parts(element)
            case _:
                yield node

    def _is_typing(self, node: cst.Subscript, name: str) -> bool:
        symbol = self.reader.symbol(node.value, self.scope)
        return isinstance(symbol, External) and symbol.is_typing(name)

    def _is_again(self, node: cst.BaseExpression) -> bool:
        symbol = self.reader.symbol(node.value if isinstance(node, cst.Subscript) else node, self.scope)
        return isinstance(symbol, External) and symbol.is_runtime("Again")
