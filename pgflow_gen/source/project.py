"""The modules of a project, each read and parsed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.source.index import ModuleIndex, build_index
from pgflow_gen.source.modules import find_module, module_name
from pgflow_gen.source.parse import parse
from pgflow_gen.source.text import SourceText, display_path, read_source


@dataclass(slots=True)
class Project:
    """Loads modules by file or by name; faults of files are kept, each file's once."""

    config: Config
    sources: dict[str, SourceText] = field(default_factory=dict)
    """Every file that was read, by path."""
    faults: dict[str, Diagnostic] = field(default_factory=dict)
    """PGF101 and PGF102, by path."""
    modules: dict[str, ModuleIndex] = field(default_factory=dict)
    """Every module that was parsed, by name."""
    imported: set[str] = field(default_factory=set)
    """Paths of the files that were asked for by module name."""
    _files: dict[Path, ModuleIndex | None] = field(default_factory=dict)
    _names: dict[str, ModuleIndex | None] = field(default_factory=dict)

    def read(self, file: Path) -> SourceText | None:
        """The text of a file; None when it cannot be read, which is then among the faults."""
        path = display_path(self.config.root, file)
        if path not in self.sources:
            if path in self.faults:
                return None
            source = read_source(self.config.root, file)
            if isinstance(source, Diagnostic):
                self.faults[path] = source
                return None
            self.sources[path] = source
        return self.sources[path]

    def load(self, file: Path) -> ModuleIndex | None:
        """The index of a file; None when it cannot be read or parsed."""
        if file not in self._files:
            self._files[file] = self._parse(file)
        return self._files[file]

    def find(self, name: str) -> ModuleIndex | None:
        """The index of a module by its dotted name; None when no source root has it or it does not parse."""
        if name not in self._names:
            file = find_module(self.config, name) if name else None
            if file is not None:
                self.imported.add(display_path(self.config.root, file))
            self._names[name] = self.load(file) if file is not None else None
        return self._names[name]

    def _parse(self, file: Path) -> ModuleIndex | None:
        source = self.read(file)
        if source is None:
            return None
        parsed = parse(source)
        if isinstance(parsed, Diagnostic):
            self.faults[source.path] = parsed
            return None
        name = module_name(self.config, file) or file.stem
        index = build_index(name, parsed)
        self.modules.setdefault(name, index)
        return index
