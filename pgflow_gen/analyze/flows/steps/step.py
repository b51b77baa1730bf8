"""A decorated function to a StepSpec."""

from __future__ import annotations

import inspect

import libcst as cst

from pgflow_gen.analyze.flows.arguments.given import GivenReader
from pgflow_gen.analyze.flows.arguments.options import OptionReader, Written
from pgflow_gen.analyze.flows.arguments.slugs import check_slug
from pgflow_gen.analyze.flows.arguments.subflows import SubflowReader
from pgflow_gen.analyze.flows.scan.declarations import HandlerDeclaration, StepDeclaration, WaitDeclaration
from pgflow_gen.analyze.flows.steps.handlers import HandlerReader
from pgflow_gen.analyze.flows.steps.waits import WaitReader, slug_argument
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import StepSpec
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import encodable
from pgflow_shared.kinds import KINDS

_SLUG = frozenset({"slug"})


@dataclass(frozen=True, slots=True)
class StepReader:
    reader: TypeReader
    given: GivenReader
    subflows: SubflowReader
    findings: Findings

    def read(self, declaration: StepDeclaration) -> StepSpec:
        """The step as written; its faults are reported."""
        if isinstance(declaration, WaitDeclaration):
            return WaitReader(self.reader, self.given, self.findings).read(declaration)
        return self._read(declaration)

    def _read(self, declaration: HandlerDeclaration) -> StepSpec:
        module, function = declaration.module, declaration.function
        self._refuse_positional(declaration)
        given = self.given.read(declaration, _SLUG)
        signature = HandlerReader(
            self.reader, self.findings, module, function, declaration.kind, declaration.flow.preset
        ).read()
        slug, slug_span = self._slug(declaration, given.written.get("slug"))
        name_span = module.file.span(function.name)
        check_slug(self.findings, "step", slug, slug_span or name_span)
        written = given.written.get("array")
        array = self.given.array(declaration, slug, written) if written is not None else None
        started = given.written.get("subflow")
        subflow = self.subflows.read(module, started) if started is not None else None
        unread = given.unread | _placed(declaration)
        unread |= {"subflow"} if started is not None and subflow is None else set()
        unread |= {"array"} if written is not None and array is None else set()
        return StepSpec(
            slug=slug,
            kind=declaration.kind,
            module=module.name,
            function=function.name.value,
            is_async=function.asynchronous is not None,
            params=signature.params,
            returns=signature.returns,
            options=given.options,
            array=array,
            depends_on=given.depends_on,
            if_ran=given.if_ran,
            if_skipped=given.if_skipped,
            state=signature.state,
            subflow=subflow,
            doc=docstring(function),
            unread=unread,
            span=name_span,
            slug_span=slug_span,
            returns_span=signature.returns_span,
            decorator_span=module.file.span(declaration.decorator),
        )

    def _slug(self, declaration: HandlerDeclaration, written: Written | None) -> tuple[str, Span | None]:
        if written is None:
            return declaration.name, None
        text = self.given.options.text(declaration.module, written)
        return text if text is not None else declaration.name, written.span

    def _refuse_positional(self, declaration: HandlerDeclaration) -> None:
        for arg in declaration.args:
            if arg.keyword is not None or arg.star:
                continue
            text = declaration.module.file.code(arg.value)
            name = (
                "array" if KINDS[declaration.kind].is_map else "slug" if text[:1] in "\"'" else "depends_on"
            )
            value = f"[{text}]" if name == "depends_on" and text[:1] != "[" else text
            self.findings.add(
                "PGF208",
                declaration.module.file.span(arg.value),
                f"{declaration.owner} takes options by name only",
                help=f"did you mean {name}={value}?" if len(text) < 40 else f"write {name}=...",
            )


def _placed(declaration: StepDeclaration) -> set[str]:
    """What arguments without a name may have been meant for."""
    return {"array" for arg in declaration.args if arg.keyword is None and not arg.star}


def slug_of(options: OptionReader, declaration: StepDeclaration) -> str:
    """A step's slug, quietly: its faults are reported where the step itself is read."""
    quiet = OptionReader(options.constants, Findings())
    node = (
        slug_argument(declaration.call)
        if isinstance(declaration, WaitDeclaration)
        else next(
            (arg.value for arg in declaration.args if arg.keyword and arg.keyword.value == "slug"), None
        )
    )
    if node is None:
        return declaration.name
    span = declaration.module.file.span(node)
    text = quiet.text(declaration.module, Written("slug", node, span, span))
    return text if text is not None else declaration.name


def _named(declaration: StepDeclaration, name: str) -> cst.BaseExpression | None:
    return next((arg.value for arg in declaration.args if arg.keyword and arg.keyword.value == name), None)


def docstring(node: cst.FunctionDef | cst.ClassDef | cst.Module) -> str | None:
    """The docstring, its indentation removed; None without one or with an empty one."""
    text = node.get_docstring(clean=False)
    return encodable(inspect.cleandoc(text)) or None if isinstance(text, str) else None
