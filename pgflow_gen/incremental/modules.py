"""Reads modules with the syntax tree: scans one, reads the flows of several that belong together."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from pgflow_gen.analyze.flows.reader import FlowsReader
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.incremental.results import Group, Surveyed
from pgflow_gen.source.index import ModuleIndex
from pgflow_gen.source.module_loader import Project
from pgflow_gen.source.tracked_reads import Answer, Looks


class Reader:
    """Reads what is not known yet. Each piece of work starts anew, so that no order of work can matter."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._project = Project(looks)

    def module(self, file: Path) -> tuple[Surveyed, Group | None]:
        """What a module holds; with its group where that is the module alone."""
        path = os.fspath(file)
        with self._looks.noting() as noted, _quietly():
            work = FlowsReader(self._project)
            index = self._project.load(file)
            survey = work.survey(index) if index is not None else None
            drafts = [*survey.flows, *(step.flow for step in survey.steps)] if survey is not None else []
            homes = {os.fspath(draft.symbol.module.file.source.absolute) for draft in drafts}
            brings = homes | (work.named_modules(survey) if survey is not None else set())
            told = [*self._faults(noted), *(survey.findings if survey is not None else ())]
            surveyed = Surveyed(
                path,
                index.name if index is not None else None,
                tuple(sorted(homes)),
                tuple(sorted(brings - {path})),
                tuple(told),
                self._modules(noted),
                _evidence(noted),
            )
            group = self._group((path,), work, noted) if homes == {path} else None
        if homes <= {path}:
            self._project.forget(file)
        return surveyed, group

    def group(self, members: tuple[str, ...], *, own: str | None = None) -> Group:
        """The flows of modules that belong together; with ``own`` those alone which are defined there."""
        with self._looks.noting() as noted, _quietly():
            work = FlowsReader(self._project)
            for member in members:
                index = self._project.load(Path(member))
                if index is not None:
                    work.survey(index)
            return self._group(members, work, noted, own)

    def _group(
        self,
        members: tuple[str, ...],
        work: FlowsReader,
        noted: Mapping[tuple[str, str], Answer],
        own: str | None = None,
    ) -> Group:
        drafts = work.drafts()
        if own is not None:
            drafts = [item for item in drafts if os.fspath(item.symbol.module.file.source.absolute) == own]
        flows = tuple(work.read(drafts))
        findings = (*work.findings, *self._faults(noted))
        table = work.reader.table()
        return Group(members, flows, findings, self._modules(noted), _evidence(noted), table)

    def _faults(self, noted: Mapping[tuple[str, str], Answer]) -> list[Diagnostic]:
        """PGF101 and PGF102 of every file that was looked into."""
        found = (self._project.loaded(what) for kind, what in noted if kind == "text")
        return [item for item in found if isinstance(item, Diagnostic)]

    def _modules(self, noted: Mapping[tuple[str, str], Answer]) -> dict[str, str]:
        modules: dict[str, str] = {}
        for kind, what in noted:
            index = self._project.loaded(what) if kind == "text" else None
            if isinstance(index, ModuleIndex):
                modules.setdefault(index.name, what)
        return modules


def _evidence(noted: Mapping[tuple[str, str], Answer]) -> tuple[tuple[str, str, Answer], ...]:
    return tuple((kind, what, answer) for (kind, what), answer in noted.items())


def _quietly() -> warnings.catch_warnings[None]:
    """Python warns of odd escapes in the strings we evaluate; that is between it and the author."""
    return warnings.catch_warnings(action="ignore")
