"""A whole project out of its parts: which modules there are, what is known of them, and what must be read.

libcst, which reads syntax trees, is not imported unless something must be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.config import Config, ConfigError
from pgflow_gen.diagnostics import Diagnostic, Findings
from pgflow_gen.incremental.analyzed import Analyzed
from pgflow_gen.incremental.lazy_flow import types_of
from pgflow_gen.incremental.merged_types import MergedAliases, MergedRecords, MergedTypes
from pgflow_gen.incremental.results import CachedResults, Dependencies, Group, ModuleResult
from pgflow_gen.ir.flow import Analysis, FlowKey
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.files.discover import may_hold_flows
from pgflow_gen.source.files.text import display_path
from pgflow_gen.source.files.tracked_reads import Texts, TrackedReads

if TYPE_CHECKING:
    from pgflow_gen.incremental.modules import ModuleReader


def analyze_project(
    reads: TrackedReads, cached: CachedResults, findings: Findings, only: Path | None
) -> Analyzed:
    """See :func:`pgflow_gen.incremental.analysis.analyze`."""
    project = ProjectAnalysis(reads, cached)
    if only is None:
        project.scan(reads.discover())
        return project.result(project.groups(), findings)
    own = os.fspath(_as_discovered(reads.config, only))
    project.read_module(own)
    project.scan([own, *_discover_quietly(reads)])
    return project.result_of(own, findings)


def _as_discovered(config: Config, file: Path) -> Path:
    """``file`` as discovery spells it: absolute, and below the root whatever links led here."""
    absolute = Path(os.path.abspath(file))
    return absolute if absolute.is_relative_to(config.root) else absolute.resolve()


def _discover_quietly(reads: TrackedReads) -> tuple[str, ...]:
    try:
        return reads.discover()
    except ConfigError:
        return ()


@dataclass(slots=True)
class ProjectAnalysis:
    """One analysis. ``cached`` is what earlier ones found, ``current`` what is so now."""

    reads: TrackedReads
    cached: CachedResults
    current: CachedResults = field(default_factory=CachedResults)
    _reader: ModuleReader | None = None

    def scan(self, files: Iterable[str]) -> None:
        """Survey modules, and those their steps lead to."""
        waiting = list(files)
        while waiting:
            after: list[str] = []
            for file in waiting:
                if file not in self.current.modules:
                    after += self._module(file).leads_to
            waiting = after

    def unknown(self, files: Iterable[str]) -> list[str]:
        """Those of the modules that would have to be read now."""
        found: list[str] = []
        for file in files:
            known = self.cached.modules.get(file)
            if (known is None or not self._counts(known)) and self._may_hold_flows(file):
                found.append(file)
        return found

    def groups(self) -> list[Group]:
        """All groups of the modules that were scanned, by their first member."""
        return [self._group(members) for members in _grouped(self.current.modules.values())]

    def result(self, groups: list[Group], findings: Findings) -> Analyzed:
        """The groups as one; findings of all that was scanned or read are added."""
        parts: list[ModuleResult | Group] = [*self.current.modules.values(), *groups]
        for part in parts:
            findings.extend(part.findings)
        return self._analyzed(parts, groups)

    def result_of(self, own: str, findings: Findings) -> Analyzed:
        """The flows defined in one module; of the others only what belongs to them is reported."""
        groups: list[Group] = []
        for members in _grouped(self.current.modules.values()):
            if own in members:
                groups.append(self._module_reader().group(members, own=own))
        involved = {module for group in groups for flow in group.flows for module in flow.modules}
        for result in self.current.modules.values():
            if result.file == own or result.name in involved:
                findings.extend(result.findings)
        for group in groups:
            findings.extend(group.findings)
        return self._analyzed([*self.current.modules.values(), *groups], groups)

    def _module(self, file: str) -> ModuleResult:
        known = self.cached.modules.get(file)
        if known is not None and self._counts(known):
            self.current.modules[file] = known
        elif self._may_hold_flows(file):
            self.read_module(file)
        else:
            source = self.reads.read(Path(file))
            findings = (source,) if isinstance(source, Diagnostic) else ()
            dependencies = (("text", file, self.reads.digest(file)),)
            self.current.modules[file] = ModuleResult(file, None, (), (), findings, {}, dependencies)
        return self.current.modules[file]

    def read_module(self, file: str) -> None:
        """Read a module by its syntax tree."""
        result, group = self._module_reader().module(Path(file))
        self.current.modules[file] = result
        if group is not None:
            self.current.groups[group.members] = group

    def _may_hold_flows(self, file: str) -> bool:
        source = self.reads.read(Path(file))
        return not isinstance(source, Diagnostic) and may_hold_flows(source.text)

    def _group(self, members: tuple[str, ...]) -> Group:
        if members not in self.current.groups:
            known = self.cached.groups.get(members)
            # A group of one was judged with its module.
            if known is None or (len(members) > 1 and not self._is_current(known.dependencies)):
                known = self._module_reader().group(members)
            self.current.groups[members] = known
        return self.current.groups[members]

    def _counts(self, known: ModuleResult) -> bool:
        """Whether a result still counts; where it has led to a group of its own, the group must as well."""
        group = self.cached.groups.get((known.file,)) if known.flow_modules == (known.file,) else None
        return self._is_current(known.dependencies) and (
            group is None or self._is_current(group.dependencies)
        )

    def _is_current(self, dependencies: Dependencies) -> bool:
        return all(map(self.reads.is_current, dependencies))

    def _module_reader(self) -> ModuleReader:
        if self._reader is None:
            from pgflow_gen.incremental.modules import ModuleReader

            self._reader = ModuleReader(self.reads)
        return self._reader

    def _analyzed(self, parts: list[ModuleResult | Group], groups: list[Group]) -> Analyzed:
        flows = sorted(
            (flow for group in groups for flow in group.flows),
            key=lambda flow: (flow.span.path, flow.span.line),
        )
        digests, modules = dict[str, str](), dict[str, str]()
        for part in parts:
            for kind, what, answer in part.dependencies:
                if kind == "text" and isinstance(answer, str):
                    digests[what] = answer
            for name, file in part.modules.items():
                modules.setdefault(name, file)
        root, is_native = self.reads.config.root, self.reads.config.is_native
        types = MergedTypes(groups)
        home = {flow.key: group for group in groups for flow in group.flows}
        table = TypeTable(MergedRecords(types), MergedAliases(types))
        analysis = Analysis(tuple(flows), table, lambda key: types_of(home[key]), is_native)
        return Analyzed(
            self._linked(analysis, home),
            Texts.of(self.reads, digests),
            {name: display_path(root, modules[name]) for name in sorted(modules)},
            {name: digests[modules[name]] for name in sorted(modules)},
            CachedResults(
                self.current.modules,
                {group.members: group for group in groups},
                dict(self.cached.extras),
            ),
        )

    def _linked(self, analysis: Analysis, home: dict[FlowKey, Group]) -> Analysis:
        """With what the flows start, also where that is in modules whose flows were not asked for."""
        if not any(flow.needs_others for flow in analysis.flows):
            return analysis
        from pgflow_gen.incremental.linked import linked

        homes = {flow.key: group for group in self.groups() for flow in group.flows} | home
        others = [flow for group in homes.values() for flow in group.flows]
        return linked(analysis, others, lambda key: types_of(homes[key]))


def _grouped(modules: Iterable[ModuleResult]) -> list[tuple[str, ...]]:
    """The modules with flows or steps, those together whose steps belong to each other's flows."""
    leader: dict[str, str] = {}

    def find(file: str) -> str:
        while leader.setdefault(file, file) != file:
            file = leader[file]
        return file

    for result in modules:
        for home in result.flow_modules:
            one, other = sorted((find(result.file), find(home)))
            leader[other] = one
    together: dict[str, list[str]] = {}
    for file in sorted(leader):
        together.setdefault(find(file), []).append(file)
    return [tuple(members) for members in together.values()]
