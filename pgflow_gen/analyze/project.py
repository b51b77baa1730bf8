"""All flows of a project: discover, survey, read."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst

from pgflow_gen.analyze.annotations import TypeReader
from pgflow_gen.analyze.constants import Constants
from pgflow_gen.analyze.drafts import FlowDraft, FlowFinder, StepDraft
from pgflow_gen.analyze.flows import FlowReader
from pgflow_gen.analyze.options import OptionReader
from pgflow_gen.analyze.references import ReferenceReader
from pgflow_gen.analyze.result import Analyzed
from pgflow_gen.analyze.steps import StepReader, slug_of
from pgflow_gen.analyze.survey import Survey, Surveyor
from pgflow_gen.config import Config, ConfigError
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Analysis, FlowSpec
from pgflow_gen.source.discover import discover, may_hold_flows
from pgflow_gen.source.index import Function, ModuleIndex
from pgflow_gen.source.modules import find_module, module_name, unimportable_part
from pgflow_gen.source.project import Project
from pgflow_gen.source.resolve import Defined, Resolver
from pgflow_gen.source.text import display_path


def analyze_project(config: Config, findings: Findings, only: Path | None) -> Analyzed:
    """See :func:`pgflow_gen.analyze.analyze`."""
    work = _Work(Project(config), findings)
    if only is None:
        flows = work.all_flows(discover(config))
    else:
        flows = work.flows_of(_as_discovered(config, only), _discover_quietly(config))
    return work.result(flows)


def _as_discovered(config: Config, file: Path) -> Path:
    """``file`` as discovery spells it: absolute, and below the root whatever links led here."""
    absolute = Path(os.path.abspath(file))
    return absolute if absolute.is_relative_to(config.root) else absolute.resolve()


def _discover_quietly(config: Config) -> tuple[Path, ...]:
    try:
        return discover(config)
    except ConfigError:
        return ()


@dataclass(slots=True)
class _Work:
    """One run of the analysis."""

    project: Project
    findings: Findings
    resolver: Resolver = field(init=False)
    reader: TypeReader = field(init=False)
    finder: FlowFinder = field(init=False)
    flow_reader: FlowReader = field(init=False)
    surveys: dict[str, Survey] = field(default_factory=dict)
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

    def all_flows(self, files: tuple[Path, ...]) -> list[FlowSpec]:
        self._survey_files(files)
        flows = self._read(self._drafts())
        for survey in self.surveys.values():
            self.findings.extend(survey.findings)
        self.findings.extend(self.project.faults.values())
        return flows

    def flows_of(self, file: Path, others: tuple[Path, ...]) -> list[FlowSpec]:
        """The flows defined in ``file``; of the other files only what belongs to them is reported."""
        self._survey_files((file, *others), always=file)
        own = self.project.load(file)
        drafts = [draft for draft in self._drafts() if draft.symbol.module is own]
        flows = self._read(drafts)
        involved = {own.name if own else "", *(name for flow in flows for name in flow.modules)}
        for survey in self.surveys.values():
            if survey.module.name in involved:
                self.findings.extend(survey.findings)
        wanted = {self._path(file), *self.project.imported}
        self.findings.extend(fault for at, fault in self.project.faults.items() if at in wanted)
        return flows

    def result(self, flows: list[FlowSpec]) -> Analyzed:
        modules = self.project.modules
        return Analyzed(
            Analysis(tuple(flows), self.reader.table()),
            {path: source.text for path, source in sorted(self.project.sources.items())},
            {name: modules[name].path for name in sorted(modules)},
            {name: modules[name].file.source.digest for name in sorted(modules)},
        )

    def _survey_files(self, files: tuple[Path, ...], always: Path | None = None) -> None:
        for file in files:
            source = self.project.read(file)
            if source is None or not (file == always or may_hold_flows(source.text)):
                continue
            module = self.project.load(file)
            if module is not None:
                self._survey(module)
        self._survey_named_steps()

    def _survey(self, module: ModuleIndex) -> Survey:
        """Survey a module once, and the modules of the flows its decorators name."""
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
            self._survey(step.flow.symbol.module)
        return survey

    def _is_hidden(self, module: ModuleIndex, findings: Findings) -> bool:
        """Whether an import of the module's name would find another file, which is then reported."""
        first = find_module(self.project.config, module.name)
        file = module.file.source.absolute
        if first is None or os.path.realpath(first) == os.path.realpath(file):
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
        name = module_name(self.project.config, file)
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

    def _survey_named_steps(self) -> None:
        """Steps named in depends_on or array bring their modules along, wherever those are."""
        done: set[str] = set()
        while waiting := [name for name in self.surveys if name not in done]:
            for name in waiting:
                done.add(name)
                for step in list(self.surveys[name].steps):
                    for symbol in self._named_symbols(step):
                        self._survey(symbol.module)

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
        return self._steps.get(symbol.key)

    def _drafts(self) -> list[FlowDraft]:
        """All flows, by path then line."""
        found: dict[FlowDraft, None] = {}
        for survey in self.surveys.values():
            found.update(dict.fromkeys(survey.flows))
            found.update(dict.fromkeys(step.flow for step in survey.steps))
        return sorted(found, key=_order)

    def _read(self, drafts: list[FlowDraft]) -> list[FlowSpec]:
        steps: dict[FlowDraft, list[StepDraft]] = {draft: [] for draft in drafts}
        for survey in self.surveys.values():
            for step in survey.steps:
                if step.flow in steps:
                    steps[step.flow].append(step)
        homes = Counter(draft.symbol.module.name for draft in self._drafts())
        return [
            self.flow_reader.read(draft, steps[draft], alone=homes[draft.symbol.module.name] == 1)
            for draft in drafts
        ]

    def _path(self, file: Path) -> str:
        return display_path(self.project.config.root, file)


def _order(draft: FlowDraft) -> tuple[str, int]:
    module = draft.symbol.module
    return module.path, module.file.span(draft.symbol.binding.node).line
