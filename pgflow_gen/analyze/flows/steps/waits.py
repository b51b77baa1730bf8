"""``name = Signal[Payload](flow, "slug", ...)``, and ``Sleep``, to a StepSpec."""

from __future__ import annotations

import libcst as cst

from pgflow_gen.analyze.flows.arguments.given import GivenReader
from pgflow_gen.analyze.flows.arguments.options import Written
from pgflow_gen.analyze.flows.arguments.slugs import check_slug
from pgflow_gen.analyze.flows.scan.declarations import WaitDeclaration
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import StepSpec
from pgflow_gen.ir.types import NONE, TypeExpr
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import py_ident

_APART = frozenset({"flow", "slug"})


@dataclass(frozen=True, slots=True)
class WaitReader:
    reader: TypeReader
    given: GivenReader
    findings: Findings

    def read(self, declaration: WaitDeclaration) -> StepSpec:
        """The step as written; its faults are reported."""
        module = declaration.module
        given = self.given.read(declaration, _APART)
        self._refuse_positional(declaration)
        slug, slug_span = self._slug(declaration)
        payload, payload_span = self._payload(declaration)
        return StepSpec(
            slug=slug,
            kind=declaration.kind,
            module=module.name,
            function=declaration.name,
            is_async=False,
            params=(),
            returns=payload,
            options=given.options,
            depends_on=given.depends_on,
            if_ran=given.if_ran,
            if_skipped=given.if_skipped,
            unread=given.unread,
            span=module.file.span(declaration.bound),
            slug_span=slug_span,
            returns_span=payload_span,
            decorator_span=module.file.span(declaration.call),
        )

    def _slug(self, declaration: WaitDeclaration) -> tuple[str, Span]:
        module, node = declaration.module, slug_argument(declaration.call)
        if node is None:
            span = module.file.span(declaration.call)
            if not any(arg.star for arg in declaration.args):
                written = f'{declaration.owner}({declaration.flow.name}, "{declaration.name}")'
                self.findings.add(
                    "PGF104", span, f"the {declaration.kind} has no slug", help=f"write {written}"
                )
            return declaration.name, span
        span = module.file.span(node)
        text = self.given.options.text(module, Written("slug", node, span, span))
        if text is None:
            return declaration.name, span
        check_slug(self.findings, "step", text, span)
        if declaration.name not in (text, py_ident(text)):
            self.findings.add(
                "PGF220",
                module.file.span(declaration.bound),
                f"{declaration.kind} {text!r} is bound to another name, {declaration.name!r}",
                help=f"call both the same: {py_ident(text)} = {declaration.owner}(..., {text!r}, ...)",
            )
        return text, span

    def _payload(self, declaration: WaitDeclaration) -> tuple[TypeExpr | None, Span | None]:
        if declaration.kind == "sleep":
            return NONE, None
        if declaration.payload is None:
            self.findings.add(
                "PGF301",
                declaration.module.file.span(declaration.call.func),
                f"signal {declaration.name!r} does not say what its payload is",
                help="write Signal[Payload](...), Signal[None](...) when it carries nothing",
            )
            return None, None
        module, node = declaration.payload
        return self.reader.annotation(node, Scope(module), "return"), module.file.span(node)

    def _refuse_positional(self, declaration: WaitDeclaration) -> None:
        for arg in [arg for arg in declaration.args if arg.keyword is None and not arg.star][2:]:
            self.findings.add(
                "PGF208",
                declaration.module.file.span(arg.value),
                f"{declaration.owner} takes two positional arguments, the flow and the slug",
                help="pass options by name",
            )


def slug_argument(call: cst.Call) -> cst.BaseExpression | None:
    """What stands where ``Signal`` and ``Sleep`` take their slug."""
    named = {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}
    placed = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
    after = placed if "flow" in named else placed[1:]
    return named.get("slug") or next(iter(after), None)
