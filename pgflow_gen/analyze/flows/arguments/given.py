"""What stands in a step's parentheses: its options, and the steps that these name."""

from __future__ import annotations

import libcst as cst

from pgflow_gen.analyze.flows.arguments.options import STEP_OPTIONS, OptionReader, Written
from pgflow_gen.analyze.flows.arguments.references import ReferenceReader
from pgflow_gen.analyze.flows.scan.declarations import StepDeclaration
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Option, StepName
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import ModuleIndex

_LISTS = ("depends_on", "if_ran", "if_skipped")
NAMES_STEPS = frozenset({"array", *_LISTS})
"""Options whose values are steps."""
_NAMES = NAMES_STEPS | {"subflow"}
"""Options whose values are no constants."""


@dataclass(frozen=True, slots=True)
class Given:
    """The options of one step, read. ``unread`` are those that are written and could not be."""

    written: dict[str, Written]
    options: tuple[Option, ...]
    depends_on: tuple[StepName, ...]
    if_ran: tuple[StepName, ...]
    if_skipped: tuple[StepName, ...]
    unread: frozenset[str]


@dataclass(frozen=True, slots=True)
class GivenReader:
    options: OptionReader
    references: ReferenceReader
    findings: Findings

    def read(self, declaration: StepDeclaration, apart: frozenset[str] = frozenset()) -> Given:
        """The options but for ``apart``, which stay as written; faults are reported."""
        module, known = declaration.module, (*STEP_OPTIONS[declaration.kind], *apart)
        written = self.options.written(module, declaration.args, known, declaration.owner)
        values = {
            name: self.options.value(module, item)
            for name, item in written.items()
            if name not in apart | _NAMES
        }
        unread = {name for name, value in values.items() if value is None}
        unread |= {"*" for arg in declaration.args if arg.star}
        named: dict[str, tuple[StepName, ...]] = {}
        for name in _LISTS:
            known_faults = len(self.findings)
            named[name] = self._several(module, written.get(name))
            unread |= {name} if len(self.findings) > known_faults else set()
        options = tuple(item for item in values.values() if item is not None)
        return Given(written, options, unread=frozenset(unread), **named)

    def _several(self, module: ModuleIndex, written: Written | None) -> tuple[StepName, ...]:
        return self.references.several(module, written) if written is not None else ()

    def array(self, declaration: StepDeclaration, slug: str, written: Written) -> StepName | None:
        """The one step of ``array``; a list of steps is PGF206."""
        if not isinstance(written.node, cst.List | cst.Tuple):
            return self.references.one(declaration.module, written)
        parts = [declaration.module.file.code(element.value) for element in written.node.elements]
        one = len(parts) == 1
        has = "a list of arrays" if one else f"{len(parts)} arrays"
        self.findings.add(
            "PGF206",
            declaration.module.file.span(declaration.bound),
            f"map {slug!r} has {has}, a map has exactly one",
            help=f"write array={parts[0]}" if one else "let a step before make one list of them",
        )
        return None
