"""``name = Flow[Input]("slug", ...)`` and its steps to a FlowSpec."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from pgflow_gen.analyze.flows.arguments.filled import filled_schedule
from pgflow_gen.analyze.flows.arguments.options import FLOW_OPTIONS, OptionReader, Written, spell
from pgflow_gen.analyze.flows.arguments.slugs import check_slug
from pgflow_gen.analyze.flows.scan.declarations import (
    CompanionDeclaration,
    FlowDeclaration,
    ScheduleDeclaration,
    StepDeclaration,
)
from pgflow_gen.analyze.flows.schedules import ScheduleReader
from pgflow_gen.analyze.flows.steps.companions import CompanionReader
from pgflow_gen.analyze.flows.steps.step import StepReader, docstring
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_gen.ir.types import TypeExpr
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import ModuleIndex


@dataclass(frozen=True, slots=True)
class FlowReader:
    reader: TypeReader
    options: OptionReader
    steps: StepReader
    schedules: ScheduleReader
    companions: CompanionReader
    findings: Findings

    def read(
        self,
        declaration: FlowDeclaration,
        steps: Sequence[StepDeclaration],
        schedules: Sequence[ScheduleDeclaration],
        companions: Sequence[CompanionDeclaration],
        *,
        alone: bool,
    ) -> FlowSpec:
        """The flow as written. ``alone``: no other flow shares its module, and so the module's docstring."""
        module = declaration.symbol.module
        written = self.options.written(module, declaration.call.args, FLOW_OPTIONS, "Flow")
        slug, slug_span = self._slug(declaration, written)
        version, version_span = self._version(declaration, written.get("version"))
        input_type, input_span = self._input(declaration)
        values = [
            self.options.value(module, item)
            for name, item in written.items()
            if name not in {"slug", "version"}
        ]
        ordered = sorted(steps, key=lambda item: _place(item, module))
        flow = FlowSpec(
            slug=slug,
            version=version,
            key=declaration.key,
            input=input_type,
            steps=tuple(self.steps.read(step) for step in ordered),
            options=tuple(item for item in values if item is not None),
            schedules=tuple(self._schedule(item, input_type) for item in schedules),
            companions=tuple(
                self.companions.read(item) for item in sorted(companions, key=lambda it: _place(it, module))
            ),
            doc=_doc(declaration, alone=alone),
            preset=declaration.preset,
            span=module.file.span(declaration.symbol.binding.node),
            slug_span=slug_span,
            version_span=version_span,
            input_span=input_span,
        )
        check_slug(self.findings, "flow", flow.slug, slug_span)
        return flow

    def _schedule(self, declaration: ScheduleDeclaration, input_type: TypeExpr | None) -> ScheduleSpec:
        return filled_schedule(self.schedules.read(declaration), input_type, self.reader.table())

    def _slug(self, declaration: FlowDeclaration, written: dict[str, Written]) -> tuple[str, Span]:
        module = declaration.symbol.module
        positional = [arg for arg in declaration.call.args if arg.keyword is None and not arg.star]
        for extra in positional[1:]:
            self.findings.add(
                "PGF208",
                module.file.span(extra.value),
                "Flow takes one positional argument, the slug",
                help="pass options by name",
            )
        item = written.get("slug")
        if positional:
            node = positional[0].value
            item = Written("slug", node, module.file.span(node), module.file.span(node))
        if item is None:
            span = module.file.span(declaration.call)
            if not any(arg.star for arg in declaration.call.args):
                self.findings.add(
                    "PGF104", span, "the flow has no slug", help=f'write Flow[Input]("{declaration.name}")'
                )
            return declaration.name, span
        text = self.options.text(module, item)
        return (text if text is not None else declaration.name), item.span

    def _version(self, declaration: FlowDeclaration, written: Written | None) -> tuple[int, Span | None]:
        if written is None:
            return 1, None
        option = self.options.value(declaration.symbol.module, written)
        if option is None:
            return 1, written.whole
        value = option.value
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value, written.whole
        wanted = "at least 1" if isinstance(value, int) and not isinstance(value, bool) else "an integer"
        self.findings.add(
            "PGF207",
            written.whole,
            f"flow {declaration.name!r}: version must be {wanted}, not {spell(value)}",
            help="number a flow's versions 1, 2, 3",
            highlight=written.span,
        )
        return 1, written.whole

    def _input(self, declaration: FlowDeclaration) -> tuple[TypeExpr | None, Span | None]:
        if declaration.input is None:
            module = declaration.symbol.module
            self.findings.add(
                "PGF301",
                module.file.span(declaration.call.func),
                f"flow {declaration.name!r} does not say what its input is",
                help="write Flow[Input](...), Flow[None](...) when it takes none",
            )
            return None, None
        module, node = declaration.input
        span = module.file.span(node)
        return self.reader.annotation(node, Scope(module), "input"), span


def _place(step: StepDeclaration | CompanionDeclaration, own: ModuleIndex) -> tuple[bool, str, int]:
    """Definition order: the flow's own module, then the others by dotted name, then by line."""
    line = step.module.file.span(step.bound).line
    return step.module is not own, step.module.name, line


def _doc(declaration: FlowDeclaration, *, alone: bool) -> str | None:
    """The string below the flow's assignment, else its module's docstring when it is the only flow there."""
    tree = declaration.symbol.module.file.tree
    for here, after in zip(tree.body, tree.body[1:], strict=False):
        if _assigns(here, declaration.call) and isinstance(after, cst.SimpleStatementLine):
            first = after.body[0]
            if isinstance(first, cst.Expr) and isinstance(
                first.value, cst.SimpleString | cst.ConcatenatedString
            ):
                text = first.value.evaluated_value
                return " ".join(text.split()) or None if isinstance(text, str) else None
    return docstring(tree) if alone else None


def _assigns(statement: cst.CSTNode, call: cst.Call) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    return any(getattr(part, "value", None) is call for part in statement.body)
