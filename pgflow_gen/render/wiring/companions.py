"""Undos and ends as calls: with all they may get, without what may be missing, with None in its place."""

from __future__ import annotations

from collections.abc import Callable, Set

from pgflow_gen.ir.companions import given_to, surely_there
from pgflow_gen.ir.flow import CompanionHandler, FlowSpec, Parameter, Receives
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.python.annotations import spell
from pgflow_gen.render.wiring.module_names import ModuleNames
from pgflow_gen.render.wiring.new_types import wrapped
from pgflow_gen.render.wiring.source_map import MappedLines, Subject, SubjectKind
from pgflow_gen.render.wiring.subflows import as_generated


def add_companions(
    flow: FlowSpec, types: TypeTable, modules: ModuleNames, bound: Callable[[str], str], lines: MappedLines
) -> None:
    """The calls of all handlers; ``bound`` names what a step's output is bound to."""
    for handler in flow.companions:
        calls = _Calls(flow, handler, types, modules, bound, lines)
        undone = {handler.undone.slug} if handler.undone is not None else set[str]()
        taken = {param.name for param in handler.step.params_of(Receives.DEPENDENCY)} - undone
        uncertain = taken - surely_there(flow, handler, types)
        calls.add()
        if uncertain:
            calls.add(without=uncertain)
        if handler.when == "started" and undone:
            calls.add(none=undone)


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls of one handler."""

    flow: FlowSpec
    handler: CompanionHandler
    types: TypeTable
    modules: ModuleNames
    bound: Callable[[str], str]
    lines: MappedLines

    def add(self, *, without: Set[str] = frozenset(), none: Set[str] = frozenset()) -> None:
        """One call: some parameters are left out, some get None."""
        step = self.handler.step
        self.lines.add(f"    _ = {self.modules.module(step.module)}.{step.function}(", self._subject())
        for param in step.params:
            if param.name in without:
                continue
            value = "None" if param.name in none else wrapped(self._value(param), param.type, self.modules)
            value = as_generated(value, param.type, self.types, self.modules)
            self.lines.add(f"        {param.name}={value},", self._subject(param.name))
        self.lines.add("    )", self._subject())

    def _subject(self, param: str | None = None) -> Subject:
        kind: SubjectKind = "call" if param is None else "argument"
        return Subject(kind, self.flow.key, self.handler.slug, param, companion=self.handler.kind)

    def _value(self, param: Parameter) -> str:
        match param.receives:
            case Receives.CONTEXT:
                return "ctx"
            case Receives.FLOW_INPUT:
                return "flow_input"
            case Receives.RUN_END:
                return self._cast(self.modules.imports.use("pgflow_runtime.dsl", "RunEnd", wanted="_RunEnd"))
            case _:
                return self._output(param.name)

    def _output(self, slug: str) -> str:
        """What a step made, as the handler gets it: bound, or by its type where that is another."""
        step = self.flow.step(slug)
        given = given_to(self.flow, self.handler, step) if step is not None else None
        if step is None or given is None or given == step.output:
            return self.bound(slug)
        if step.is_map and given == step.result and not step.makes_failed:
            return f"{self.bound(slug)}[0]"
        return self._cast(spell(given, self.modules))

    def _cast(self, spelled: str) -> str:
        return f"{self.modules.imports.use('typing', 'cast')}({py_literal(spelled)}, None)"
