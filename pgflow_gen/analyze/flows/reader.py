"""The flows of modules that belong together: which there are, and each as a FlowSpec."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import field, replace
from pathlib import Path

import libcst as cst

from pgflow_gen.analyze.flows.arguments.constants import Constants
from pgflow_gen.analyze.flows.arguments.given import NAMES_STEPS, GivenReader
from pgflow_gen.analyze.flows.arguments.options import OptionReader
from pgflow_gen.analyze.flows.arguments.references import ReferenceReader
from pgflow_gen.analyze.flows.arguments.subflows import SubflowReader
from pgflow_gen.analyze.flows.flow import FlowReader
from pgflow_gen.analyze.flows.scan.declarations import FlowDeclaration, FlowFinder, StepDeclaration
from pgflow_gen.analyze.flows.scan.module import ModuleScan, Scanner
from pgflow_gen.analyze.flows.schedules import ScheduleReader
from pgflow_gen.analyze.flows.steps.companions import CompanionReader
from pgflow_gen.analyze.flows.steps.step import StepReader, slug_of
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import FlowSpec, SubflowName
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.files.modules import module_name, unimportable_part
from pgflow_gen.source.files.text import display_path
from pgflow_gen.source.names.index import Function, ModuleIndex
from pgflow_gen.source.names.module_loader import ModuleLoader
from pgflow_gen.source.names.resolve import Defined, Resolver


@dataclass(slots=True)
class FlowsReader:
    """Reads the flows of some modules once, by readers that know of nothing yet; modules are parsed once."""

    modules: ModuleLoader
    findings: Findings = field(default_factory=Findings)
    resolver: Resolver = field(init=False)
    reader: TypeReader = field(init=False)
    finder: FlowFinder = field(init=False)
    flow_reader: FlowReader = field(init=False)
    scans: dict[str, ModuleScan] = field(default_factory=dict)
    _members: set[str] = field(default_factory=set)
    _steps: dict[tuple[str, str], StepDeclaration] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.resolver = Resolver(self.modules)
        self.reader = TypeReader(self.resolver, self.findings)
        self.finder = FlowFinder(self.resolver, {})
        constants = Constants(self.resolver, self.reader.enums)
        options = OptionReader(constants, self.findings)
        references = ReferenceReader(
            constants, self.findings, self._step_of, lambda declaration: slug_of(options, declaration)
        )
        given = GivenReader(options, references, self.findings)
        subflows = SubflowReader(options, self.finder, self.findings)
        steps = StepReader(self.reader, given, subflows, self.findings)
        schedules = ScheduleReader(options, self.findings)
        companions = CompanionReader(self.reader, options, references, self.findings)
        self.flow_reader = FlowReader(self.reader, options, steps, schedules, companions, self.findings)

    def scan(self, module: ModuleIndex) -> ModuleScan:
        """Scan a module whose flows and steps are to be read."""
        self._members.add(module.path)
        return self._scan(module)

    def _scan(self, module: ModuleIndex) -> ModuleScan:
        """Scan a module once."""
        if module.path in self.scans:
            return self.scans[module.path]
        scan = ModuleScan(module)
        self.scans[module.path] = scan
        if self._is_hidden(module, scan.findings):
            return scan
        Scanner(self.finder, scan).walk()
        if scan.flows or scan.steps or scan.schedules or scan.companions:
            self._check_name(module, scan.findings)
        for step in scan.steps:
            self._steps[module.name, step.name] = step
        return scan

    def _is_hidden(self, module: ModuleIndex, findings: Findings) -> bool:
        """Whether an import of the module's name would find another file, which is then reported."""
        first = self.modules.reads.module(module.name)
        file, reads = module.file.source.absolute, self.modules.reads
        if first is None or first == file or reads.real(first) == reads.real(file):
            return False
        findings.add(
            "PGF102",
            Span.file(module.path),
            f"cannot import the file: module {module.name!r} is {self._path(first)}",
            help="rename one of the two files",
        )
        return True

    def _check_name(self, module: ModuleIndex, findings: Findings) -> None:
        """A worker imports flow modules by name: the file must have one that can be imported."""
        file = module.file.source.absolute
        name = module_name(self.modules.reads.config, file)
        if name is None:
            findings.add(
                "PGF102",
                Span.file(module.path),
                "cannot import the file: it is below none of the source roots",
                help="add the folder its imports start from to src in [tool.pgflow-gen]",
            )
            return
        wrong = unimportable_part(name)
        if wrong is not None:
            findings.add(
                "PGF102",
                Span.file(module.path),
                f"cannot import the file: {wrong!r} is not a name that an import can spell",
                help="rename the file or folder to a Python identifier that is no keyword",
            )

    def named_modules(self, scan: ModuleScan) -> set[str]:
        """Steps and flows that are named in options bring their modules along, wherever those are."""
        symbols = [symbol for step in scan.steps for symbol in self._named_symbols(step)]
        flows = (self._named_flow(step) for step in scan.steps)
        symbols += [flow.symbol for flow in flows if flow is not None]
        for item in scan.companions:
            symbols += self._steps_among(item.module, item.placed)
        return {os.fspath(symbol.module.file.source.absolute) for symbol in symbols}

    def _named_symbols(self, step: StepDeclaration) -> list[Defined]:
        nodes: list[cst.BaseExpression] = []
        for arg in step.args:
            if arg.keyword is not None and arg.keyword.value in NAMES_STEPS:
                nodes.append(arg.value)
                if isinstance(arg.value, cst.List | cst.Tuple):
                    nodes.extend(element.value for element in arg.value.elements)
        return self._steps_among(step.module, nodes)

    def _steps_among(self, module: ModuleIndex, nodes: list[cst.BaseExpression]) -> list[Defined]:
        found = [self.resolver.resolve(module, node) for node in nodes]
        return [item for item in found if isinstance(item, Defined) and self._may_be_step(item)]

    def _named_flow(self, step: StepDeclaration) -> FlowDeclaration | None:
        named = (arg.value for arg in step.args if arg.keyword and arg.keyword.value == "subflow")
        return next((self.finder.named(step.module, node) for node in named), None)

    def _may_be_step(self, symbol: Defined) -> bool:
        return isinstance(symbol.binding, Function) or self.finder.wait(symbol) is not None

    def _step_of(self, symbol: Defined) -> StepDeclaration | None:
        self._scan(symbol.module)
        return self._steps.get(symbol.key)

    def types(self) -> TypeTable:
        """The types that the flows mention."""
        return self.reader.table()

    def declarations(self) -> list[FlowDeclaration]:
        """All flows, by path then line."""
        found: dict[FlowDeclaration, None] = {}
        for scan in self._own_scans():
            found.update(dict.fromkeys(scan.all_flows))
        return sorted(found, key=_order)

    def read(self, declarations: Sequence[FlowDeclaration]) -> list[FlowSpec]:
        steps: dict[FlowDeclaration, list[StepDeclaration]] = {
            declaration: [] for declaration in declarations
        }
        for scan in self._own_scans():
            for step in scan.steps:
                if step.flow in steps:
                    steps[step.flow].append(step)
        schedules = [item for scan in self._own_scans() for item in scan.schedules]
        companions = [item for scan in self._own_scans() for item in scan.companions]
        homes = Counter(declaration.symbol.module.name for declaration in self.declarations())
        flows = [
            self.flow_reader.read(
                declaration,
                steps[declaration],
                [item for item in schedules if item.flow is declaration],
                [item for item in companions if item.flow is declaration],
                alone=homes[declaration.symbol.module.name] == 1,
            )
            for declaration in declarations
        ]
        outputs = tuple(SubflowName(stem, span) for stem, span in self.reader.outputs.items())
        return [replace(flow, outputs=outputs) for flow in flows] if outputs else flows

    def _own_scans(self) -> list[ModuleScan]:
        """Without those of modules that were only asked whether a function of theirs is a step."""
        return [scan for path, scan in self.scans.items() if path in self._members]

    def _path(self, file: Path) -> str:
        return display_path(self.modules.reads.config.root, file)


def _order(declaration: FlowDeclaration) -> tuple[str, int]:
    module = declaration.symbol.module
    return module.path, module.file.span(declaration.symbol.binding.node).line
