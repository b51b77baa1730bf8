"""The modules of a project, each read and parsed once."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.files.modules import module_name
from pgflow_gen.source.files.tracked_reads import TrackedReads
from pgflow_gen.source.names.index import ModuleIndex, build_index
from pgflow_gen.source.parsing.parse import parse
from pgflow_gen.source.target import Version, target_version


@dataclass(slots=True)
class ModuleLoader:
    """Loads modules by file or by name; all it reads at goes through ``reads``."""

    reads: TrackedReads
    _files: dict[Path, ModuleIndex | Diagnostic] = field(default_factory=dict)
    _imported: set[Path] = field(default_factory=set)
    _version: Version | None = None

    def load(self, file: Path) -> ModuleIndex | None:
        """The index of a file; None when it cannot be read or parsed."""
        source = self.reads.read(file)
        if isinstance(source, Diagnostic):
            return None
        if file not in self._files:
            parsed = parse(source)
            name = module_name(self.reads.config, file) or file.stem
            if isinstance(parsed, Diagnostic):
                self._files[file] = parsed
            else:
                self._files[file] = build_index(name, parsed, self._target())
        found = self._files[file]
        return None if isinstance(found, Diagnostic) else found

    def _target(self) -> Version:
        if self._version is None:
            self._version = target_version(self.reads.config.root)
        return self._version

    def find(self, name: str) -> ModuleIndex | None:
        """The index of a module by its dotted name; None when no source root has it or it does not parse."""
        file = self.reads.module(name)
        if file is None:
            return None
        self._imported.add(file)
        return self.load(file)

    def loaded(self, path: str) -> ModuleIndex | Diagnostic | None:
        """What came of the file at an absolute path: PGF101 and PGF102 are told by who has read it."""
        source = self.reads.sources.get(path)
        return source if isinstance(source, Diagnostic) else self._files.get(Path(path))

    def forget(self, file: Path) -> None:
        """Let go of a syntax tree that no import has asked for; most modules are looked at by nobody else."""
        if file not in self._imported:
            self._files.pop(file, None)
