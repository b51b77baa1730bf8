"""Steps named in ``depends_on=[...]``, ``array=`` and ``@flow.undo()``: by object, by attribute, by slug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeGuard

import libcst as cst

from pgflow_gen.analyze.flows.arguments.constants import Constants, NotStatic
from pgflow_gen.analyze.flows.arguments.options import Written, spell
from pgflow_gen.analyze.flows.scan.declarations import StepDeclaration
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import StepName
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, Function, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, Missing, Symbol
from pgflow_shared.text import closest

_UNDO = "undo"
"""What is placed in ``@flow.undo(step)`` is called so: it is a step itself, never its slug."""


@dataclass(frozen=True, slots=True)
class ReferenceReader:
    """Turns expressions into step names; ``step_of`` knows the steps, ``slug_of`` their slugs."""

    constants: Constants
    findings: Findings
    step_of: Callable[[Defined], StepDeclaration | None]
    slug_of: Callable[[StepDeclaration], str]

    def several(self, module: ModuleIndex, written: Written) -> tuple[StepName, ...]:
        """The steps of ``depends_on`` and its like."""
        try:
            owner, node = self._listed(module, written.node)
        except NotStatic as error:
            self._not_static(written, error)
            return ()
        if not isinstance(node, cst.List | cst.Tuple):
            self._not_a_list(owner, node, module, written)
            return ()
        names: list[StepName] = []
        for element in node.elements:
            at = written
            if owner is module and node is written.node:
                span = _element_span(module, element)
                at = Written(written.name, element.value, span, span)
            if isinstance(element, cst.StarredElement):
                self._not_static(at, NotStatic("it unpacks with *", "write the steps out"))
                continue
            name = self.one(owner, Written(written.name, element.value, at.span, at.whole))
            names.extend([name] if name is not None else [])
        return tuple(names)

    def one(self, module: ModuleIndex, written: Written) -> StepName | None:
        """The step of ``array``, or one of a list of steps."""
        node = written.node
        if isinstance(node, cst.Name | cst.Attribute):
            symbol = self.constants.resolver.resolve(module, node)
            symbol = self.constants.resolver.follow(symbol) if symbol is not None else None
            if not _is_constant(symbol) or self.step_of(symbol) is not None:
                return self._object(module, written, symbol)
        try:
            value = self.constants.evaluate(module, node)
        except NotStatic as error:
            self._not_static(written, error)
            return None
        if isinstance(value, str):
            return StepName(value, written.span)
        taken = "a step" if written.name == _UNDO else "steps or their slugs"
        self.findings.add(
            "PGF207",
            written.whole,
            f"{written.name!r} takes {taken}, not {spell(value)}",
            help=_wanted(written),
            highlight=written.span,
        )
        return None

    def _listed(
        self, module: ModuleIndex, node: cst.BaseExpression
    ) -> tuple[ModuleIndex, cst.BaseExpression]:
        """``node``, or the list a constant's name stands for."""
        for _ in range(20):
            if not isinstance(node, cst.Name | cst.Attribute):
                return module, node
            symbol = self.constants.resolver.resolve(module, node)
            if isinstance(symbol, Defined) and (
                isinstance(symbol.binding, Function) or self.step_of(symbol) is not None
            ):
                return module, node
            module, node = self.constants.definition(module, node)
        raise NotStatic("it is defined by itself")

    def _object(self, module: ModuleIndex, written: Written, symbol: Symbol | None) -> StepName | None:
        step = self.step_of(symbol) if isinstance(symbol, Defined) else None
        if step is not None:
            return StepName(self.slug_of(step), written.span, step.flow.key)
        text = module.file.code(written.node)
        if isinstance(symbol, Missing):
            guess = closest(symbol.name, symbol.known)
            message, help = f"{text!r} is not defined: {symbol.reason}", f"did you mean {guess!r}?"
            by_slug = written.name != _UNDO
            otherwise = "define the step above, " + (
                "import it, or write its slug as a string" if by_slug else "or import it"
            )
            help = help if guess else otherwise
        else:
            message, help = f"{text!r} is not a step", _wanted(written)
        self.findings.add("PGF203", written.span, message, help=help)
        return None

    def _not_static(self, written: Written, error: NotStatic) -> None:
        self.findings.add(
            "PGF104",
            written.whole,
            f"the value of {written.name!r} is not statically known: {error.reason}",
            help=error.help
            or (_wanted(written) if written.name == _UNDO else "write a list of step functions or slugs"),
            highlight=written.span,
        )

    def _not_a_list(
        self, owner: ModuleIndex, node: cst.BaseExpression, module: ModuleIndex, written: Written
    ) -> None:
        """A single step or slug is of the wrong type; what would have to be run is not static."""
        if not isinstance(node, cst.Name | cst.Attribute):
            try:
                self.constants.evaluate(owner, node)
            except NotStatic as error:
                self._not_static(written, error)
                return
        text = module.file.code(written.node)
        self.findings.add(
            "PGF207",
            written.whole,
            f"{written.name!r} must be a list of steps, not {text if len(text) < 40 else 'this'}",
            help=f"write {written.name}=[{text}]" if len(text) < 40 else "put it in brackets",
            highlight=written.span,
        )


def _wanted(written: Written) -> str:
    if written.name == _UNDO:
        return "name the function of a step"
    return "name a step function, or write its slug as a string"


def _element_span(module: ModuleIndex, element: cst.BaseElement) -> Span:
    """An element's value, its star included."""
    value = module.file.span(element.value)
    if isinstance(element, cst.StarredElement):
        start = module.file.span(element)
        return replace(value, line=start.line, column=start.column)
    return value


def _is_constant(symbol: Symbol | None) -> TypeGuard[Defined]:
    return isinstance(symbol, Defined) and isinstance(symbol.binding, Assignment)
