"""A decorated function to a StepSpec."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import libcst as cst

from pgflow_gen.analyze.flows.declarations import StepDeclaration
from pgflow_gen.analyze.flows.handlers import HandlerReader
from pgflow_gen.analyze.flows.options import STEP_OPTIONS, OptionReader, Written
from pgflow_gen.analyze.flows.references import ReferenceReader
from pgflow_gen.analyze.flows.slugs import check_slug
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import StepName, StepSpec
from pgflow_gen.names import encodable
from pgflow_shared.kinds import KINDS

_APART = frozenset({"slug", "depends_on", "array"})


@dataclass(frozen=True, slots=True)
class StepReader:
    reader: TypeReader
    options: OptionReader
    references: ReferenceReader
    findings: Findings

    def read(self, declaration: StepDeclaration) -> StepSpec:
        """The step as written; its faults are reported."""
        module, function = declaration.module, declaration.function
        owner = f"@{declaration.flow.name}.{declaration.kind}"
        self._refuse_positional(declaration, owner)
        written = self.options.written(module, declaration.args, STEP_OPTIONS[declaration.kind], owner)
        signature = HandlerReader(self.reader, self.findings, module, function, declaration.kind).read()
        slug, slug_span = self._slug(declaration, written.get("slug"))
        name_span = module.file.span(function.name)
        check_slug(self.findings, "step", slug, slug_span or name_span)
        values = {
            name: self.options.value(module, item) for name, item in written.items() if name not in _APART
        }
        unread = {name for name, value in values.items() if value is None} | _unnamed(declaration)
        depends_on: tuple[StepName, ...] = ()
        if "depends_on" in written:
            known = len(self.findings)
            depends_on = self.references.several(module, written["depends_on"])
            unread |= {"depends_on"} if len(self.findings) > known else set()
        array = self._array(declaration, slug, written["array"]) if "array" in written else None
        unread |= {"array"} if "array" in written and array is None else set()
        return StepSpec(
            slug=slug,
            kind=declaration.kind,
            module=module.name,
            function=function.name.value,
            is_async=function.asynchronous is not None,
            params=signature.params,
            returns=signature.returns,
            options=tuple(item for item in values.values() if item is not None),
            depends_on=depends_on,
            array=array,
            doc=docstring(function),
            unread=frozenset(unread),
            span=name_span,
            slug_span=slug_span,
            returns_span=signature.returns_span,
            decorator_span=module.file.span(declaration.decorator),
        )

    def _array(self, declaration: StepDeclaration, slug: str, written: Written) -> StepName | None:
        """The one step of ``array``; a list of steps is PGF206."""
        if not isinstance(written.node, cst.List | cst.Tuple):
            return self.references.one(declaration.module, written)
        parts = [declaration.module.file.code(element.value) for element in written.node.elements]
        one = len(parts) == 1
        has = "a list of arrays" if one else f"{len(parts)} arrays"
        self.findings.add(
            "PGF206",
            declaration.module.file.span(declaration.function.name),
            f"map {slug!r} has {has}, a map has exactly one",
            help=f"write array={parts[0]}" if one else "let a step before make one list of them",
        )
        return None

    def _slug(self, declaration: StepDeclaration, written: Written | None) -> tuple[str, Span | None]:
        if written is None:
            return declaration.function.name.value, None
        text = self.options.text(declaration.module, written)
        return text if text is not None else declaration.function.name.value, written.span

    def _refuse_positional(self, declaration: StepDeclaration, owner: str) -> None:
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
                f"{owner} takes options by name only",
                help=f"did you mean {name}={value}?" if len(text) < 40 else f"write {name}=...",
            )


def _unnamed(declaration: StepDeclaration) -> set[str]:
    """What arguments without a name may have been meant for."""
    hidden = {"*" for arg in declaration.args if arg.star}
    return hidden | {"array" for arg in declaration.args if arg.keyword is None and not arg.star}


def slug_of(options: OptionReader, declaration: StepDeclaration) -> str:
    """A step's slug, quietly: its faults are reported where the step itself is read."""
    quiet = OptionReader(options.constants, Findings())
    for arg in declaration.args:
        if arg.keyword is not None and arg.keyword.value == "slug":
            span = declaration.module.file.span(arg.value)
            text = quiet.text(declaration.module, Written("slug", arg.value, span, span))
            return text if text is not None else declaration.function.name.value
    return declaration.function.name.value


def docstring(node: cst.FunctionDef | cst.ClassDef | cst.Module) -> str | None:
    """The docstring, its indentation removed; None without one or with an empty one."""
    text = node.get_docstring(clean=False)
    return encodable(inspect.cleandoc(text)) or None if isinstance(text, str) else None
