"""The short cut of a build: where nothing changed since a clean one, nothing has to be read.

A clean build leaves a record of every file it may have rested on: all Python below the source roots, all that
is in the folders of generated files, the configurations, the compiler itself. Files are known by size, inode
and times; the time of a change (ctime) is the kernel's and cannot be set, so that a record which came with
someone else's checkout never fits. Any doubt means a whole build.
"""

from __future__ import annotations

import json
import os
import site
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any, TypeAlias

import pgflow_gen
import pgflow_shared
from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.kept import CACHE, keep, read_kept
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.target import target_version

RECORD = CACHE / "build.json"
_FORMAT = 1
_MAX_FILES = 50_000
"""Beyond, a look at every file takes longer than it may save."""
_TICK = 0.05
"""Seconds in which two changes of a file may carry the same time."""
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
_CONFIGURATIONS = ("pyproject.toml", "mypy.ini", ".mypy.ini", "setup.cfg")

FileStamp: TypeAlias = list[int]
FileStamps: TypeAlias = dict[str, FileStamp]
"""Path -> size, inode, times; folders, with a slash at the end, have none of these."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a clean build had to say."""

    file_count: int
    flow_count: int
    step_count: int
    kept_count: int
    verified: bool
    """Whether mypy had its say."""
    warnings: tuple[Diagnostic, ...] = ()


class BuildRecord:
    """The record of a project. Take the ``file_stamps`` before anything is read."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.before: FileStamps | None = None
        """What every file was like, once ``outcome`` was asked for."""
        self._written: FileStamps = {}

    def outcome(self, *, verify: bool) -> Outcome | None:
        """The last clean build's outcome, if the same build would come to it again."""
        self.before = file_stamps(self._config)
        try:
            data = json.loads(read_kept(self._config.root, RECORD.name))
            if self.before is None or data["key"] != self.key:
                return None
            if data["files"] != self.before or (verify and data["outcome"]["verified"] is not True):
                return None
            return _outcome(data["outcome"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    @cached_property
    def key(self) -> str:
        """Stands for everything but the project's files: with another one, nothing that was kept counts."""
        return _key(self._config)

    def remember(
        self, outcome: Outcome, changed: Iterable[str], others: Iterable[str] = ()
    ) -> FileStamps | None:
        """Keep ``outcome``; the build has changed files, and made or deleted ``others`` (below the root).

        Hands out what every file was like before it was read, or once it was written; None where files came
        and went that are not the build's. Failing to remember costs time only.
        """
        after = self._after(changed, others)
        if after is None:
            return None
        text = json.dumps({"key": self.key, "outcome": asdict(outcome), "files": after})
        keep(self._config.root, RECORD.name, text.encode())
        return after

    def _after(self, changed: Iterable[str], others: Iterable[str]) -> FileStamps | None:
        """A file that somebody else changes meanwhile is known as it was before: next time, it differs."""
        if self.before is None:
            return None
        root, after = os.fspath(self._config.root), dict(self.before)
        ours = {os.path.join(root, path) for path in others}
        try:
            for path in (os.path.join(root, name) for name in changed):
                self._written[path] = _stamp(os.stat(path))
        except OSError:
            return None
        after |= self._written
        if not ours:
            return after
        now = file_stamps(self._config)
        return None if now is None or _without(now, ours) != _without(after, ours) else now

    def settle(self) -> None:
        """Wait until whoever changes a file that the build has changed gives it another time."""
        _await_tick(self._written)


def file_stamps(config: Config, *, generated: bool = True) -> FileStamps | None:
    """Everything a build may rest on; None where that cannot be found by looking at files.

    ``generated``: with the folders of generated files, in which every file counts.
    """
    stamps: FileStamps = {}
    folders = [_absolute(config, folder) for folder in (config.out, config.migrations)]
    entered = set[str]() if generated else set(folders)
    try:
        for folder in folders:
            _walk(folder, stamps, entered, everything=True)
        for entry in (*config.src, *config.flows):
            path = _absolute(config, entry)
            if os.path.isdir(path):
                _walk(path, stamps, entered, everything=False)
            elif os.path.isfile(path):
                stamps[path] = _stamp(os.stat(path))
        for name in _CONFIGURATIONS:
            path = os.fspath(config.root / name)
            if os.path.exists(path):
                stamps[path] = _stamp(os.stat(path))
    except (OSError, _Untold):
        return None
    _await_tick(stamps)
    return stamps


def _await_tick(files: FileStamps) -> None:
    """What is changed afterwards carries another time than any of ``files``."""
    newest = max((max(stamp[2:]) for stamp in files.values() if stamp), default=0)
    left = newest / 1e9 + _TICK - time.time()
    if 0 < left <= _TICK:
        time.sleep(left)


class _Untold(Exception):
    """There are more files than is sensible."""


def _absolute(config: Config, entry: str) -> str:
    return os.path.normpath(os.path.join(config.root, entry))


def _walk(top: str, stamps: FileStamps, entered: set[str], *, everything: bool) -> None:
    waiting, looked_at = [top], 0
    while waiting:
        folder = waiting.pop()
        if folder in entered or not os.path.isdir(folder):
            continue
        entered.add(folder)
        stamps[f"{folder}/"] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                looked_at += 1
                if entry.is_dir():
                    if _is_skipped(entry):
                        continue
                    if entry.is_symlink() and not _leads_somewhere_new(entry, stamps, entered):
                        continue
                    waiting.append(entry.path)
                elif everything or entry.name.endswith((".py", ".pyi")):
                    stamps[entry.path] = _stamp(entry.stat())
        if looked_at > _MAX_FILES:
            raise _Untold


def _leads_somewhere_new(link: os.DirEntry[str], stamps: FileStamps, entered: set[str]) -> bool:
    """Notes a link to a folder as itself; False when that folder was looked at, as in a circle of links."""
    stamps[link.path] = _stamp(link.stat(follow_symlinks=False))
    target = os.path.realpath(link.path)
    if target in entered:
        return False
    entered.add(target)
    return True


def _is_skipped(folder: os.DirEntry[str]) -> bool:
    """What discovery leaves out, and what no import can name."""
    name = folder.name
    return name.startswith(".") or name in _SKIPPED or os.path.exists(f"{folder.path}/pyvenv.cfg")


def _stamp(stat: os.stat_result) -> FileStamp:
    return [stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns]


def _without(files: FileStamps, paths: set[str]) -> FileStamps:
    """The files that a build does not write itself; folders come and go with what is in them."""
    return {path: stamp for path, stamp in files.items() if stamp and path not in paths}


def _key(config: Config) -> str:
    """The configuration, the compiler's own files, Python, and when packages were last installed."""
    files: FileStamps = {}
    for package in (pgflow_gen, pgflow_shared):
        assert package.__file__ is not None
        _walk(os.path.dirname(os.path.abspath(package.__file__)), files, set(), everything=True)
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    stamps = [os.stat(folder).st_mtime_ns for folder in packages if os.path.isdir(folder)]
    python = [sys.version, sys.executable, os.environ.get("PYTHONPATH"), target_version(config.root)]
    return json.dumps([_FORMAT, *python, repr(config), stamps, files], sort_keys=True)


def _outcome(data: Mapping[str, Any]) -> Outcome:
    """Raises KeyError, TypeError or ValueError for what no build has written."""
    return Outcome(
        int(data["file_count"]),
        int(data["flow_count"]),
        int(data["step_count"]),
        int(data["kept_count"]),
        bool(data["verified"]),
        tuple(_diagnostics(data["warnings"])),
    )


def _diagnostics(items: Iterable[Mapping[str, Any]]) -> Iterator[Diagnostic]:
    for item in items:
        highlight = item["highlight"]
        yield Diagnostic(
            str(item["code"]),
            str(item["message"]),
            _span(item["span"]),
            tuple(map(str, item["notes"])),
            None if item["help"] is None else str(item["help"]),
            "warning",
            None if highlight is None else _span(highlight),
        )


def _span(data: Mapping[str, Any]) -> Span:
    start, end = (int(data["line"]), int(data["column"])), (int(data["end_line"]), int(data["end_column"]))
    return Span(str(data["path"]), *start, *end)
