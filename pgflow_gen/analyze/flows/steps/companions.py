"""``@flow.undo(step)`` and ``@flow.end()`` above a function to a CompanionHandler."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from pgflow_gen.analyze.flows.arguments.options import OptionReader, Written
from pgflow_gen.analyze.flows.arguments.references import ReferenceReader
from pgflow_gen.analyze.flows.arguments.slugs import check_slug
from pgflow_gen.analyze.flows.scan.declarations import CompanionDeclaration
from pgflow_gen.analyze.flows.steps.handlers import HandlerReader
from pgflow_gen.analyze.flows.steps.step import docstring
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import CompanionHandler, Receives, StepName, StepSpec
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.companions import RUN_END, CompanionKind

_OPTIONS: Mapping[CompanionKind, tuple[str, ...]] = {"undo": ("when",), "end": ("on",)}
_NAMED = {"flow_input": Receives.FLOW_INPUT, RUN_END: Receives.RUN_END}


@dataclass(frozen=True, slots=True)
class CompanionReader:
    reader: TypeReader
    options: OptionReader
    references: ReferenceReader
    findings: Findings

    def read(self, declaration: CompanionDeclaration) -> CompanionHandler:
        """The handler as written; its faults are reported."""
        module, function = declaration.module, declaration.function
        known = _OPTIONS[declaration.kind]
        written = self.options.written(module, declaration.args, known, declaration.owner)
        values = {name: self.options.value(module, item) for name, item in written.items()}
        unread = {name for name, value in values.items() if value is None}
        unread |= {"*" for arg in declaration.args if arg.star}
        undone = self._undone(declaration)
        signature = HandlerReader(
            self.reader, self.findings, module, function, "step", declaration.flow.preset, _NAMED
        ).read()
        span = module.file.span(function.name)
        check_slug(self.findings, "step", declaration.name, span)
        step = StepSpec(
            slug=declaration.name,
            kind="step",
            module=module.name,
            function=declaration.name,
            is_async=function.asynchronous is not None,
            params=signature.params,
            returns=signature.returns,
            options=tuple(item for item in values.values() if item is not None),
            doc=docstring(function),
            unread=frozenset(unread),
            span=span,
            returns_span=signature.returns_span,
            decorator_span=module.file.span(declaration.decorator),
        )
        return CompanionHandler(declaration.kind, step, undone)

    def _undone(self, declaration: CompanionDeclaration) -> StepName | None:
        """The step between the brackets of an undo. Reports PGF236."""
        if declaration.kind == "end":
            self._refuse_placed(declaration)
            return None
        module, name = declaration.module, declaration.flow.name
        if len(declaration.placed) != 1:
            count = len(declaration.placed) or "none"
            if not any(arg.star for arg in declaration.args):
                self.findings.add(
                    "PGF236",
                    module.file.span(declaration.decorator),
                    f"an undo is of one step, and {declaration.name!r} names {count}",
                    help=f"name the function of the step: @{name}.undo(step)",
                )
            return None
        node = declaration.placed[0]
        span = module.file.span(node)
        found = self.references.one(module, Written("undo", node, span, span))
        if found is not None and found.flow is None:
            self.findings.add(
                "PGF236",
                span,
                f"undo {declaration.name!r} names its step by the slug {found.slug!r}",
                help="name the step itself, so that type checkers see what is undone",
            )
            return None
        return found

    def _refuse_placed(self, declaration: CompanionDeclaration) -> None:
        if not isinstance(declaration.decorator, cst.Call):
            self.findings.add(
                "PGF214",
                declaration.module.file.span(declaration.decorator),
                f"{declaration.owner} is called, also without options",
                help=f'write {declaration.owner}() or, for example, {declaration.owner}(on="failed")',
            )
        for node in declaration.placed:
            self.findings.add(
                "PGF208",
                declaration.module.file.span(node),
                f"{declaration.owner} takes options by name only",
                help="write on=...",
            )
