"""Flows named in ``subflow=``: by object, by attribute, by slug."""

from __future__ import annotations

import libcst as cst

from pgflow_gen.analyze.flows.arguments.constants import NotStatic
from pgflow_gen.analyze.flows.arguments.options import OptionReader, Written, spell
from pgflow_gen.analyze.flows.scan.declarations import FlowDeclaration, FlowFinder
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import SubflowName
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, Missing, Symbol
from pgflow_shared.slugs import db_slug
from pgflow_shared.text import closest

_HELP = "name a flow of this project, or write its slug in the database as a string"


@dataclass(frozen=True, slots=True)
class SubflowReader:
    """Turns an expression into the flow that it names."""

    options: OptionReader
    finder: FlowFinder
    findings: Findings

    def read(self, module: ModuleIndex, written: Written) -> SubflowName | None:
        """The flow; None where none can be read, which is reported."""
        node = written.node
        if isinstance(node, cst.Name | cst.Attribute):
            symbol = self.finder.resolver.resolve(module, node)
            symbol = self.finder.resolver.follow(symbol) if symbol is not None else None
            flow = self.finder.flow(symbol)
            if flow is not None:
                return SubflowName(self._slug(flow), written.span, flow.key)
            if not (isinstance(symbol, Defined) and isinstance(symbol.binding, Assignment)):
                self._no_flow(module, written, symbol)
                return None
        return self._by_slug(module, written)

    def _by_slug(self, module: ModuleIndex, written: Written) -> SubflowName | None:
        try:
            value = self.options.constants.evaluate(module, written.node)
        except NotStatic as error:
            self.findings.add(
                "PGF104",
                written.whole,
                f"the value of 'subflow' is not statically known: {error.reason}",
                help=error.help or _HELP,
                highlight=written.span,
            )
            return None
        if isinstance(value, str):
            return SubflowName(value, written.span)
        self.findings.add(
            "PGF207",
            written.whole,
            f"'subflow' takes a flow or its slug, not {spell(value)}",
            help=_HELP,
            highlight=written.span,
        )
        return None

    def _slug(self, flow: FlowDeclaration) -> str:
        """The flow's slug in the database, quietly: its faults are reported where the flow itself is read."""
        module, quiet = flow.symbol.module, OptionReader(self.options.constants, Findings())
        placed = [arg.value for arg in flow.call.args if arg.keyword is None and not arg.star]
        named = {arg.keyword.value: arg.value for arg in flow.call.args if arg.keyword is not None}
        slug, version = flow.name, 1
        node = next(iter(placed), named.get("slug"))
        if node is not None:
            slug = quiet.text(module, _written(module, "slug", node)) or slug
        if "version" in named:
            option = quiet.value(module, _written(module, "version", named["version"]))
            value = option.value if option is not None else None
            version = value if isinstance(value, int) and not isinstance(value, bool) and value > 1 else 1
        return db_slug(slug, version)

    def _no_flow(self, module: ModuleIndex, written: Written, symbol: Symbol | None) -> None:
        text = module.file.code(written.node)
        message, help = f"{text!r} is not a flow", _HELP
        if isinstance(symbol, Missing):
            guess = closest(symbol.name, symbol.known)
            message = f"{text!r} is not defined: {symbol.reason}"
            help = f"did you mean {guess!r}?" if guess else "import the flow, or write its slug as a string"
        self.findings.add("PGF233", written.span, message, help=help)


def _written(module: ModuleIndex, name: str, node: cst.BaseExpression) -> Written:
    span = module.file.span(node)
    return Written(name, node, span, span)
