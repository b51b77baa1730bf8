"""What a build asks of the disk, each question once, and which questions a piece of work has asked.

A result rests on nothing but the configuration and the answers to the questions that were asked on the way
to it; a module that is *not* there is an answer too. Where all answers are still the same, so is the result.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.files.discover import discover
from pgflow_gen.source.files.modules import find_module, is_folder, submodules
from pgflow_gen.source.files.text import SourceText, display_path, read_source

Kind: TypeAlias = Literal["module", "folder", "inside", "real", "text"]
Observation: TypeAlias = "str | bool | list[str] | None"
TrackedRead: TypeAlias = tuple[str, str, Observation]
"""Kind, what was asked about, and the answer.

``module``: the file of a module, if there is one. ``folder``: whether a module's name is a folder.
``inside``: names of a folder's modules. ``real``: where links lead. ``text``: the digest of a file's text,
None for a file that cannot be read.
"""


@dataclass(slots=True)
class TrackedReads:
    """Asks the disk. ``trusted`` are digests of files that surely are what they were, by path."""

    config: Config
    trusted: Mapping[str, str] = field(default_factory=dict)
    sources: dict[str, SourceText | Diagnostic] = field(default_factory=dict)
    """Every file that was read, by absolute path."""
    _discovered: tuple[str, ...] | None = None
    _answers: dict[tuple[str, str], Observation] = field(default_factory=dict)
    _noted: dict[tuple[str, str], Observation] | None = None

    @contextmanager
    def tracking(self) -> Iterator[dict[tuple[str, str], Observation]]:
        """Collects what is asked meanwhile, also what has been asked before."""
        before, noted = self._noted, dict[tuple[str, str], Observation]()
        self._noted = noted
        try:
            yield noted
        finally:
            self._noted = before
            if before is not None:
                before.update(noted)

    def discover(self) -> tuple[str, ...]:
        """See ``discover.discover``; absolute paths."""
        if self._discovered is None:
            self._discovered = tuple(map(os.fspath, discover(self.config)))
        return self._discovered

    def module(self, name: str) -> Path | None:
        """See ``modules.find_module``."""
        found = self._ask("module", name)
        return Path(found) if isinstance(found, str) else None

    def is_folder(self, name: str) -> bool:
        return self._ask("folder", name) is True

    def submodules(self, name: str) -> tuple[str, ...]:
        found = self._ask("inside", name)
        return tuple(found) if isinstance(found, list) else ()

    def real(self, file: Path) -> str:
        return str(self._ask("real", os.fspath(file)))

    def digest(self, path: str) -> str | None:
        """The digest of the file at an absolute path; None when it cannot be read."""
        found = self._ask("text", path)
        return found if isinstance(found, str) else None

    def read(self, file: Path) -> SourceText | Diagnostic:
        """The text of a file, or what is wrong with it."""
        found = self._read(os.fspath(file))
        self._ask("text", os.fspath(file))
        return found

    def is_current(self, asked: TrackedRead) -> bool:
        """Whether a question still has its answer. What could not be read before is tried again."""
        kind, what, answer = asked
        return self._ask(kind, what) == answer and (answer is not None or kind == "module")

    def _ask(self, kind: str, what: str) -> Observation:
        question = (kind, what)
        if question not in self._answers:
            self._answers[question] = self._answer(kind, what)
        answer = self._answers[question]
        if self._noted is not None:
            self._noted[question] = answer
        return answer

    def _answer(self, kind: str, what: str) -> Observation:
        match kind:
            case "module":
                file = find_module(self.config, what) if what else None
                return None if file is None else os.fspath(file)
            case "folder":
                return is_folder(self.config, what)
            case "inside":
                return list(submodules(self.config, what))
            case "real":
                return os.path.realpath(what)
            case "text":
                if what in self.trusted and what not in self.sources:
                    return self.trusted[what]
                found = self._read(what)
                return found.digest if isinstance(found, SourceText) else None
            case _:
                return None

    def _read(self, path: str) -> SourceText | Diagnostic:
        if path not in self.sources:
            self.sources[path] = read_source(self.config.root, Path(path))
        return self.sources[path]


@dataclass(frozen=True, slots=True)
class Texts(Mapping[str, str]):
    """The texts of files by their paths as messages show them; read when one is asked for."""

    reads: TrackedReads
    files: Mapping[str, str]
    """Path as shown -> absolute path."""

    def __getitem__(self, path: str) -> str:
        found = self.reads.read(Path(self.files[path]))
        if isinstance(found, Diagnostic):
            raise KeyError(path)
        return found.text

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    @classmethod
    def of(cls, reads: TrackedReads, paths: Mapping[str, str]) -> Texts:
        """``paths``: absolute path -> digest."""
        root = reads.config.root
        return cls(reads, dict(sorted((display_path(root, path), path) for path in paths)))
