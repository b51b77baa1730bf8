"""Reads modules with the syntax tree: scans one, reads the flows of several that belong together."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from pgflow_gen.analyze.flows.reader import FlowsReader
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.incremental.results import Group, ModuleResult
from pgflow_gen.source.files.tracked_reads import Observation, TrackedReads
from pgflow_gen.source.names.index import ModuleIndex
from pgflow_gen.source.names.module_loader import ModuleLoader


class ModuleReader:
    """Reads what is not known yet. Each piece of work starts anew, so that no order of work can matter."""

    def __init__(self, reads: TrackedReads) -> None:
        self._reads = reads
        self._modules = ModuleLoader(reads)

    def module(self, file: Path) -> tuple[ModuleResult, Group | None]:
        """What a module holds; with its group where that is the module alone."""
        path = os.fspath(file)
        with self._reads.tracking() as observed, _quietly():
            reader = FlowsReader(self._modules)
            index = self._modules.load(file)
            scan = reader.scan(index) if index is not None else None
            flows = scan.all_flows if scan is not None else []
            flow_modules = {os.fspath(flow.symbol.module.file.source.absolute) for flow in flows}
            leads_to = flow_modules | (reader.named_modules(scan) if scan is not None else set())
            findings = [*self._faults(observed), *(scan.findings if scan is not None else ())]
            result = ModuleResult(
                path,
                index.name if index is not None else None,
                tuple(sorted(flow_modules)),
                tuple(sorted(leads_to - {path})),
                tuple(findings),
                self._parsed(observed),
                _dependencies(observed),
            )
            group = self._group((path,), reader, observed) if flow_modules == {path} else None
        if flow_modules <= {path}:
            self._modules.forget(file)
        return result, group

    def group(self, members: tuple[str, ...], *, own: str | None = None) -> Group:
        """The flows of modules that belong together; with ``own`` those alone which are defined there."""
        with self._reads.tracking() as observed, _quietly():
            reader = FlowsReader(self._modules)
            for member in members:
                index = self._modules.load(Path(member))
                if index is not None:
                    reader.scan(index)
            return self._group(members, reader, observed, own)

    def _group(
        self,
        members: tuple[str, ...],
        reader: FlowsReader,
        observed: Mapping[tuple[str, str], Observation],
        own: str | None = None,
    ) -> Group:
        declarations = reader.declarations()
        if own is not None:
            declarations = [
                item for item in declarations if os.fspath(item.symbol.module.file.source.absolute) == own
            ]
        flows = tuple(reader.read(declarations))
        findings = (*reader.findings, *self._faults(observed))
        table = reader.types()
        return Group(members, flows, findings, self._parsed(observed), _dependencies(observed), table)

    def _faults(self, observed: Mapping[tuple[str, str], Observation]) -> list[Diagnostic]:
        """PGF101 and PGF102 of every file that was looked into."""
        found = (self._modules.loaded(what) for kind, what in observed if kind == "text")
        return [item for item in found if isinstance(item, Diagnostic)]

    def _parsed(self, observed: Mapping[tuple[str, str], Observation]) -> dict[str, str]:
        modules: dict[str, str] = {}
        for kind, what in observed:
            index = self._modules.loaded(what) if kind == "text" else None
            if isinstance(index, ModuleIndex):
                modules.setdefault(index.name, what)
        return modules


def _dependencies(
    observed: Mapping[tuple[str, str], Observation],
) -> tuple[tuple[str, str, Observation], ...]:
    return tuple((kind, what, answer) for (kind, what), answer in observed.items())


def _quietly() -> warnings.catch_warnings[None]:
    """Python warns of odd escapes in the strings we evaluate; that is between it and the author."""
    return warnings.catch_warnings(action="ignore")
