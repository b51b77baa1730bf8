"""The flows of modules that belong together: which there are, and each as a FlowSpec."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst

from pgflow_gen.analyze.flows.constants import Constants
from pgflow_gen.analyze.flows.declarations import FlowDraft, FlowFinder, StepDraft
from pgflow_gen.analyze.flows.flow import FlowReader
from pgflow_gen.analyze.flows.options import OptionReader
from pgflow_gen.analyze.flows.references import ReferenceReader
from pgflow_gen.analyze.flows.scan import Survey, Surveyor
from pgflow_gen.analyze.flows.steps import StepReader, slug_of
from pgflow_gen.analyze.types.annotations import TypeReader
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.source.index import Function, ModuleIndex
from pgflow_gen.source.module_loader import Project
from pgflow_gen.source.modules import module_name, unimportable_part
from pgflow_gen.source.resolve import Defined, Resolver
from pgflow_gen.source.text import display_path


@dataclass(slots=True)
class FlowsReader:
    """Reads the flows of some modules once, by readers that know of nothing yet; modules are parsed once."""

    project: Project
    findings: Findings = field(default_factory=Findings)
    resolver: Resolver = field(init=False)
    reader: TypeReader = field(init=False)
    finder: FlowFinder = field(init=False)
    flow_reader: FlowReader = field(init=False)
    surveys: dict[str, Survey] = field(default_factory=dict)
    _members: set[str] = field(default_factory=set)
    _steps: dict[tuple[str, str], StepDraft] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.resolver = Resolver(self.project)
        self.reader = TypeReader(self.resolver, self.findings)
        self.finder = FlowFinder(self.resolver, {})
        constants = Constants(self.resolver)
        options = OptionReader(constants, self.findings)
        references = ReferenceReader(
            constants, self.findings, self._step_of, lambda draft: slug_of(options, draft)
        )
        steps = StepReader(self.reader, options, references, self.findings)
        self.flow_reader = FlowReader(self.reader, options, steps, self.findings)

    def survey(self, module: ModuleIndex) -> Survey:
        """Survey a module whose flows and steps are to be read."""
        self._members.add(module.path)
        return self._survey(module)

    def _survey(self, module: ModuleIndex) -> Survey:
        """Survey a module once."""
        if module.path in self.surveys:
            return self.surveys[module.path]
        survey = Survey(module)
        self.surveys[module.path] = survey
        if self._is_hidden(module, survey.findings):
            return survey
        Surveyor(self.finder, survey).walk()
        if survey.flows or survey.steps:
            self._check_name(module, survey.findings)
        for step in survey.steps:
            self._steps[module.name, step.function.name.value] = step
        return survey

    def _is_hidden(self, module: ModuleIndex, findings: Findings) -> bool:
        """Whether an import of the module's name would find another file, which is then reported."""
        first = self.project.looks.module(module.name)
        file, looks = module.file.source.absolute, self.project.looks
        if first is None or first == file or looks.real(first) == looks.real(file):
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
        name = module_name(self.project.looks.config, file)
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

    def named_modules(self, survey: Survey) -> set[str]:
        """Steps named in depends_on or array bring their modules along, wherever those are."""
        symbols = [symbol for step in survey.steps for symbol in self._named_symbols(step)]
        return {os.fspath(symbol.module.file.source.absolute) for symbol in symbols}

    def _named_symbols(self, step: StepDraft) -> list[Defined]:
        nodes: list[cst.BaseExpression] = []
        for arg in step.args:
            if arg.keyword is not None and arg.keyword.value in {"array", "depends_on"}:
                nodes.append(arg.value)
                if isinstance(arg.value, cst.List | cst.Tuple):
                    nodes.extend(element.value for element in arg.value.elements)
        found = [self.resolver.resolve(step.module, node) for node in nodes]
        return [item for item in found if isinstance(item, Defined) and isinstance(item.binding, Function)]

    def _step_of(self, symbol: Defined) -> StepDraft | None:
        self._survey(symbol.module)
        return self._steps.get(symbol.key)

    def drafts(self) -> list[FlowDraft]:
        """All flows, by path then line."""
        found: dict[FlowDraft, None] = {}
        for survey in self._own_surveys():
            found.update(dict.fromkeys(survey.flows))
            found.update(dict.fromkeys(step.flow for step in survey.steps))
        return sorted(found, key=_order)

    def read(self, drafts: Sequence[FlowDraft]) -> list[FlowSpec]:
        steps: dict[FlowDraft, list[StepDraft]] = {draft: [] for draft in drafts}
        for survey in self._own_surveys():
            for step in survey.steps:
                if step.flow in steps:
                    steps[step.flow].append(step)
        homes = Counter(draft.symbol.module.name for draft in self.drafts())
        return [
            self.flow_reader.read(draft, steps[draft], alone=homes[draft.symbol.module.name] == 1)
            for draft in drafts
        ]

    def _own_surveys(self) -> list[Survey]:
        """Without those of modules that were only asked whether a function of theirs is a step."""
        return [survey for path, survey in self.surveys.items() if path in self._members]

    def _path(self, file: Path) -> str:
        return display_path(self.project.looks.config.root, file)


def _order(draft: FlowDraft) -> tuple[str, int]:
    module = draft.symbol.module
    return module.path, module.file.span(draft.symbol.binding.node).line
