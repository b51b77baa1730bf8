"""One walk over a module's statements: its flows, its steps, and those that stand where they may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

import libcst as cst

from pgflow_gen.analyze.flows.scan.declarations import (
    CompanionDeclaration,
    FlowDeclaration,
    FlowFinder,
    HandlerDeclaration,
    ScheduleDeclaration,
    StepDeclaration,
    flow_argument,
)
from pgflow_gen.analyze.flows.scan.decorators import examine
from pgflow_gen.diagnostics import Findings
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, Binding, ModuleIndex
from pgflow_gen.source.names.resolve import Defined

_LEAVES = (cst.Name, cst.SimpleString, cst.Integer, cst.BaseParenthesizableWhitespace)
"""Nodes with nothing below them that could make a flow."""


@dataclass(slots=True)
class ModuleScan:
    """What one module holds; ``findings`` are about it alone."""

    module: ModuleIndex
    flows: list[FlowDeclaration] = field(default_factory=list)
    steps: list[StepDeclaration] = field(default_factory=list)
    schedules: list[ScheduleDeclaration] = field(default_factory=list)
    companions: list[CompanionDeclaration] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    @property
    def all_flows(self) -> list[FlowDeclaration]:
        """Those that it holds, and those that its steps, schedules, undos and ends belong to."""
        return [*self.flows, *(item.flow for item in (*self.steps, *self.schedules, *self.companions))]


@dataclass(slots=True)
class Scanner:
    finder: FlowFinder
    scan: ModuleScan
    _flow_names: set[str] = field(default_factory=set)
    """Names a flow is bound to at module level, hidden ones included."""

    def walk(self) -> None:
        """ModuleScan the module."""
        self._statements(self.module.file.tree.body, None)
        self._rebound()

    @property
    def module(self) -> ModuleIndex:
        return self.scan.module

    def _statements(self, body: Sequence[cst.CSTNode], inside: str | None) -> None:
        """Walk statements; ``inside`` names what encloses them, None at module level."""
        for statement in body:
            match statement:
                case cst.SimpleStatementLine(body=parts) | cst.SimpleStatementSuite(body=parts):
                    for part in parts:
                        self._simple(part, inside)
                case cst.FunctionDef():
                    self._function(statement, inside)
                    self._nested(statement.body, f"function {statement.name.value!r}", inside)
                case cst.ClassDef():
                    self._class(statement)
                    self._nested(statement.body, f"class {statement.name.value!r}", inside)
                case (
                    cst.Else()
                    | cst.Finally()
                    | cst.ExceptHandler()
                    | cst.ExceptStarHandler()
                    | cst.MatchCase()
                ):
                    self._block(statement.body, inside)
                case _:
                    self._compound(statement, inside)

    def _class(self, definition: cst.ClassDef) -> None:
        for decorator in definition.decorators:
            found = self.finder.attribute(self.module, decorator.decorator)
            if found is not None and found.is_decorator:
                self.scan.findings.add(
                    "PGF214",
                    self.module.file.span(decorator.decorator),
                    f"class {definition.name.value!r} cannot be {_article(found.name)}",
                    help="write a function; it may make an object and call its methods",
                )

    def _block(self, block: cst.BaseSuite, inside: str | None) -> None:
        self._statements([block] if isinstance(block, cst.SimpleStatementSuite) else block.body, inside)

    def _nested(self, block: cst.BaseSuite, name: str, inside: str | None) -> None:
        self._block(block, inside or f"in {name}")

    def _compound(self, statement: cst.CSTNode, inside: str | None) -> None:
        word = {
            cst.If: "if", cst.For: "for", cst.While: "while", cst.With: "with",
            cst.Try: "try", cst.TryStar: "try", cst.Match: "match",
        }.get(type(statement))  # fmt: skip
        if word is None:
            return
        for name in ("test", "iter", "items", "subject"):
            self._heads(getattr(statement, name, ()), inside)
        inside = inside or f"in an {word!r} block" if word == "if" else inside or f"in a {word!r} block"
        body = getattr(statement, "body", None)
        if isinstance(body, cst.BaseSuite):
            self._block(body, inside)
        for name in ("handlers", "cases"):
            self._statements(list(getattr(statement, name, ())), inside)
        for name in ("orelse", "finalbody"):
            other = getattr(statement, name, None)
            if isinstance(other, cst.CSTNode):
                self._statements([other], inside)

    def _heads(self, found: cst.CSTNode | Sequence[cst.CSTNode], inside: str | None) -> None:
        """What stands between a block's keyword and its colon."""
        for node in [found] if isinstance(found, cst.CSTNode) else found:
            self._hidden(node, inside)

    def _simple(self, part: cst.CSTNode, inside: str | None) -> None:
        match part:
            case cst.Assign(value=value, targets=targets):
                single = targets[0].target if len(targets) == 1 else None
                self._value(value, single, inside)
            case cst.AnnAssign(value=value, target=target) if value is not None:
                self._value(value, target, inside)
            case cst.Expr(value=value):
                self._value(value, None, inside)
            case cst.Return(value=value) if value is not None:
                self._value(value, None, inside)
            case cst.Import() | cst.ImportFrom() | cst.TypeAlias():
                pass
            case _:
                self._hidden(part, inside)

    def _value(self, value: cst.BaseExpression, target: cst.CSTNode | None, inside: str | None) -> None:
        """Judge an assigned, returned or merely evaluated expression."""
        if isinstance(value, cst.Tuple | cst.List | cst.Set):
            for element in value.elements:
                self._value(element.value, None, inside)
        elif isinstance(value, cst.Dict):
            for pair in value.elements:
                self._value(pair.value, None, inside)
        elif isinstance(value, cst.IfExp):
            self._value(value.body, None, inside or "in an 'if' expression")
            self._value(value.orelse, None, inside or "in an 'if' expression")
        elif isinstance(value, cst.ListComp | cst.SetComp | cst.GeneratorExp):
            self._value(value.elt, None, inside or "in a comprehension")
        elif (made := self.finder.made(self.module, value)) is not None:
            (self._flow if made.name == "Flow" else self._wait)(value, target, inside)
        elif self.finder.is_schedule_call(self.module, value):
            self._schedule(value, inside)
        elif not self._misuse(value):
            self._hidden(value, inside)

    def _flow(self, call: cst.BaseExpression, target: cst.CSTNode | None, inside: str | None) -> None:
        if inside is None and isinstance(target, cst.Name):
            self._flow_names.add(target.value)
            for binding in self.module.bindings.get(target.value, ()):
                if isinstance(binding, Assignment) and binding.node is target:
                    declaration = self.finder.flow(self.finder.resolver.lookup(self.module, target.value))
                    if declaration is not None and declaration.symbol.binding is binding:
                        self.scan.flows.append(declaration)
            return
        where = inside or "without a name of its own"
        self._lost_flow(target if isinstance(target, cst.Name) else call, where)

    def _wait(self, call: cst.BaseExpression, target: cst.CSTNode | None, inside: str | None) -> None:
        assert isinstance(call, cst.Call)
        given = flow_argument(call)
        if given is None or self.finder.named(self.module, given) is None:
            self._no_flow(call, given)
            return
        if inside is None and isinstance(target, cst.Name):
            for binding in self.module.bindings.get(target.value, ()):
                if isinstance(binding, Assignment) and binding.node is target:
                    declaration = self.finder.wait(Defined(self.module, binding))
                    if declaration is not None:
                        self.scan.steps.append(declaration)
            return
        where = inside or "without a name of its own"
        self._lost_wait(target if isinstance(target, cst.Name) else call, call, where)

    def _no_flow(self, call: cst.Call, given: cst.BaseExpression | None) -> None:
        """What a signal or sleep belongs to must be a flow that can be read."""
        name = self._wait_name(call)
        shown = "nothing" if given is None else self.module.file.code(given)
        self.scan.findings.add(
            "PGF220",
            self.module.file.span(given or call),
            f"{name} belongs to a flow, but {shown} is none that can be read",
            help=f'name the flow first: {name}(flow, "slug", ...)',
        )

    def _lost_wait(self, node: cst.CSTNode, call: cst.CSTNode, how: str) -> None:
        name = self._wait_name(call)
        self.scan.findings.add(
            "PGF211",
            self.module.file.span(node),
            f"a {name.lower()} is made {how}",
            help=f'bind it to its slug at module level: slug = {name}(flow, "slug", ...)',
        )

    def _wait_name(self, call: cst.CSTNode) -> str:
        made = self.finder.made(self.module, call)
        return made.name if made is not None else "Signal"

    def _schedule(self, call: cst.BaseExpression, inside: str | None) -> None:
        assert isinstance(call, cst.Call)
        found = self.finder.attribute(self.module, call)
        assert found is not None
        if inside is None:
            self.scan.schedules.append(ScheduleDeclaration(found.flow, self.module, call))
            return
        self.scan.findings.add(
            "PGF211",
            self.module.file.span(call),
            f"a schedule of flow {found.flow.name!r} is made {inside}",
            help="write it at module level, always; the generated client makes schedules at run time",
        )

    def _lost_flow(self, node: cst.CSTNode, how: str) -> None:
        self.scan.findings.add(
            "PGF211",
            self.module.file.span(node),
            f"a flow is made {how}",
            help='bind it to a name at module level: name = Flow[Input]("slug")',
        )

    def _hidden(self, root: cst.CSTNode, inside: str | None) -> None:
        """Flows and uses of their decorators that stand somewhere inside other code."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, _LEAVES):  # most nodes; asking for their children takes long
                continue
            if isinstance(node, cst.Call):
                is_told = self._hidden_call(node, inside)
            else:
                is_told = isinstance(node, cst.Attribute) and self._misuse(node)
            if not is_told:
                waiting.extend(node.children)

    def _hidden_call(self, call: cst.Call, inside: str | None) -> bool:
        made = self.finder.made(self.module, call)
        if made is not None and made.name == "Flow":
            self._lost_flow(call, inside or "without a name of its own")
        elif made is not None:
            self._lost_wait(call, call, inside or "without a name of its own")
        elif self.finder.is_schedule_call(self.module, call):
            self._schedule(call, inside or "inside another expression")
        elif self.finder.is_odd_flow_call(self.module, call):
            self._lost_flow(call, "in a way that cannot be read")
        else:
            return False
        return True

    def _misuse(self, value: cst.BaseExpression) -> bool:
        """``flow.step(fn)``, ``flow.step(...)(fn)`` and ``alias = flow.step`` make steps nobody can see."""
        inner = value.func if isinstance(value, cst.Call) and isinstance(value.func, cst.Call) else value
        found = self.finder.attribute(self.module, inner)
        if found is None or not found.is_decorator:
            return False
        written = f"@{found.flow.name}.{found.name}"
        self.scan.findings.add(
            "PGF214",
            self.module.file.span(value),
            f"{found.flow.name}.{found.name} is used other than as a decorator",
            help=f"write {written} above the handler's def",
        )
        return True

    def _function(self, function: cst.FunctionDef, inside: str | None) -> None:
        declaration = examine(
            self.finder, self.module, function, self.scan.findings, nested=inside is not None
        )
        for decorator in function.decorators:
            node = decorator.decorator
            if declaration is None and self.finder.attribute(self.module, node) is None:
                self._hidden(node, inside)
        if declaration is None:
            return
        if inside is not None:
            self.scan.findings.add(
                "PGF211",
                self.module.file.span(function.name),
                f"{_named(declaration)} {function.name.value!r} of flow {declaration.flow.name!r}"
                f" is defined {inside}",
                help="define it at module level, always: a flow has the same steps in every process",
            )
        if inside is None or inside.endswith("block"):
            if isinstance(declaration, CompanionDeclaration):
                self.scan.companions.append(declaration)
            else:
                self.scan.steps.append(declaration)

    def _rebound(self) -> None:
        """A flow's or handler's name that is bound twice: the second binding hides the first."""
        names = dict.fromkeys(sorted(self._flow_names), "flow")
        names.update({step.name: _what(step) for step in self.scan.steps})
        names.update({item.name: "handler" for item in self.scan.companions})
        for name, what in names.items():
            bindings = [item for item in self.module.bindings.get(name, ()) if _binds(item)]
            for binding in bindings[1:]:
                self.scan.findings.add(
                    "PGF214",
                    self.module.file.span(binding.node),
                    f"{name!r}, the name of a {what}, is bound twice in this module",
                    notes=(f"it is bound first at {self.module.file.span(bindings[0].node)}",),
                    help="give each its own name"
                    + ("; slug= says what the step is called" if what == "handler" else ""),
                )


def _named(declaration: HandlerDeclaration | CompanionDeclaration) -> str:
    return declaration.kind if isinstance(declaration, CompanionDeclaration) else "step"


def _article(decorator: str) -> str:
    return {"undo": "an undo", "end": "an end"}.get(decorator, "a step")


def _what(step: StepDeclaration) -> str:
    return "handler" if isinstance(step, HandlerDeclaration) else step.kind


def _binds(binding: Binding) -> bool:
    """Whether a binding surely takes place: not conditional, and more than a declaration."""
    declares = isinstance(binding, Assignment) and binding.value is None
    return not binding.conditional and not declares
