"""A whole project out of its parts: which modules there are, what is known of them, and what must be read.

The syntax tree's floor (libcst) is not entered unless something must be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_gen.config import Config, ConfigError
from pgflow_gen.diagnostics import Diagnostic, Findings
from pgflow_gen.incremental.analysis import Analyzed
from pgflow_gen.incremental.lazy_flow import types_of
from pgflow_gen.incremental.merged_types import Aliases, JoinedTypes, Records
from pgflow_gen.incremental.results import Evidence, Group, Memory, Surveyed
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.source.discover import may_hold_flows
from pgflow_gen.source.text import display_path
from pgflow_gen.source.tracked_reads import Looks, Texts

if TYPE_CHECKING:
    from pgflow_gen.incremental.modules import Reader


def analyze_project(looks: Looks, memory: Memory, findings: Findings, only: Path | None) -> Analyzed:
    """See :func:`pgflow_gen.incremental.analysis.analyze`."""
    whole = Whole(looks, memory)
    if only is None:
        whole.survey(looks.discover())
        return whole.result(whole.groups(), findings)
    own = os.fspath(_as_discovered(looks.config, only))
    whole.read_survey(own)
    whole.survey([own, *_discover_quietly(looks)])
    return whole.result_of(own, findings)


def _as_discovered(config: Config, file: Path) -> Path:
    """``file`` as discovery spells it: absolute, and below the root whatever links led here."""
    absolute = Path(os.path.abspath(file))
    return absolute if absolute.is_relative_to(config.root) else absolute.resolve()


def _discover_quietly(looks: Looks) -> tuple[str, ...]:
    try:
        return looks.discover()
    except ConfigError:
        return ()


@dataclass(slots=True)
class Whole:
    """One analysis. ``memory`` is what earlier ones found, ``found`` what is so now."""

    looks: Looks
    memory: Memory
    found: Memory = field(default_factory=Memory)
    _reader: Reader | None = None

    def survey(self, files: Iterable[str]) -> None:
        """Survey modules, and those their steps lead to."""
        waiting = list(files)
        while waiting:
            after: list[str] = []
            for file in waiting:
                if file not in self.found.surveys:
                    after += self._surveyed(file).brings
            waiting = after

    def unknown(self, files: Iterable[str]) -> list[str]:
        """Those of the modules that would have to be read now."""
        found: list[str] = []
        for file in files:
            known = self.memory.surveys.get(file)
            if (known is None or not self._survives(known)) and self._may_hold_flows(file):
                found.append(file)
        return found

    def groups(self) -> list[Group]:
        """All groups of the modules that were surveyed, by their first member."""
        return [self._group(members) for members in _grouped(self.found.surveys.values())]

    def result(self, groups: list[Group], findings: Findings) -> Analyzed:
        """The groups as one; findings of all that was surveyed or read are added."""
        parts: list[Surveyed | Group] = [*self.found.surveys.values(), *groups]
        for part in parts:
            findings.extend(part.findings)
        return self._analyzed(parts, groups)

    def result_of(self, own: str, findings: Findings) -> Analyzed:
        """The flows defined in one module; of the others only what belongs to them is reported."""
        groups: list[Group] = []
        for members in _grouped(self.found.surveys.values()):
            if own in members:
                groups.append(self._live().group(members, own=own))
        involved = {module for group in groups for flow in group.flows for module in flow.modules}
        for survey in self.found.surveys.values():
            if survey.file == own or survey.name in involved:
                findings.extend(survey.findings)
        for group in groups:
            findings.extend(group.findings)
        return self._analyzed([*self.found.surveys.values(), *groups], groups)

    def _surveyed(self, file: str) -> Surveyed:
        known = self.memory.surveys.get(file)
        if known is not None and self._survives(known):
            self.found.surveys[file] = known
        elif self._may_hold_flows(file):
            self.read_survey(file)
        else:
            source = self.looks.read(Path(file))
            told = (source,) if isinstance(source, Diagnostic) else ()
            evidence = (("text", file, self.looks.digest(file)),)
            self.found.surveys[file] = Surveyed(file, None, (), (), told, {}, evidence)
        return self.found.surveys[file]

    def read_survey(self, file: str) -> None:
        """Survey a module by its syntax tree."""
        surveyed, group = self._live().module(Path(file))
        self.found.surveys[file] = surveyed
        if group is not None:
            self.found.groups[group.members] = group

    def _may_hold_flows(self, file: str) -> bool:
        source = self.looks.read(Path(file))
        return not isinstance(source, Diagnostic) and may_hold_flows(source.text)

    def _group(self, members: tuple[str, ...]) -> Group:
        if members not in self.found.groups:
            known = self.memory.groups.get(members)
            # A group of one has been judged with its survey.
            if known is None or (len(members) > 1 and not self._holds(known.evidence)):
                known = self._live().group(members)
            self.found.groups[members] = known
        return self.found.groups[members]

    def _survives(self, known: Surveyed) -> bool:
        """Whether a survey holds; where it has led to a group of its own, the group must hold as well."""
        group = self.memory.groups.get((known.file,)) if known.homes == (known.file,) else None
        return self._holds(known.evidence) and (group is None or self._holds(group.evidence))

    def _holds(self, evidence: Evidence) -> bool:
        return all(map(self.looks.holds, evidence))

    def _live(self) -> Reader:
        if self._reader is None:
            from pgflow_gen.incremental.modules import Reader

            self._reader = Reader(self.looks)
        return self._reader

    def _analyzed(self, parts: list[Surveyed | Group], groups: list[Group]) -> Analyzed:
        flows = sorted(
            (flow for group in groups for flow in group.flows),
            key=lambda flow: (flow.span.path, flow.span.line),
        )
        digests, modules = dict[str, str](), dict[str, str]()
        for part in parts:
            for kind, what, answer in part.evidence:
                if kind == "text" and isinstance(answer, str):
                    digests[what] = answer
            for name, file in part.modules.items():
                modules.setdefault(name, file)
        root = self.looks.config.root
        types = JoinedTypes(groups)
        home = {flow.key: group for group in groups for flow in group.flows}
        table = TypeTable(Records(types), Aliases(types))
        return Analyzed(
            Analysis(tuple(flows), table, lambda key: types_of(home[key])),
            Texts.of(self.looks, digests),
            {name: display_path(root, modules[name]) for name in sorted(modules)},
            {name: digests[modules[name]] for name in sorted(modules)},
            Memory(self.found.surveys, {group.members: group for group in groups}, dict(self.memory.extras)),
        )


def _grouped(surveys: Iterable[Surveyed]) -> list[tuple[str, ...]]:
    """The modules with flows or steps, those together whose steps belong to each other's flows."""
    leader: dict[str, str] = {}

    def find(file: str) -> str:
        while leader.setdefault(file, file) != file:
            file = leader[file]
        return file

    for survey in surveys:
        for home in survey.homes:
            one, other = sorted((find(survey.file), find(home)))
            leader[other] = one
    together: dict[str, list[str]] = {}
    for file in sorted(leader):
        together.setdefault(find(file), []).append(file)
    return [tuple(members) for members in together.values()]
