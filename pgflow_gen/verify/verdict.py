"""A clean verdict, remembered by the digests of everything it rests on; any doubt means asking mypy again."""

from __future__ import annotations

import hashlib
import json
import os
import site
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.kept import keep, read_kept
from pgflow_gen.verify.closure import closure
from pgflow_gen.verify.staging import Staging

_FORMAT = 2
_NAME = "verdict.json"


class Verdicts:
    """The verdict on one staging. ``verdict.json`` holds what was judged, and each file's digest."""

    def __init__(self, staging: Staging, config: Config, analysis: Analysis) -> None:
        self._root = config.root
        self._roots = tuple((config.root / source).resolve() for source in config.src)
        modules = {module for flow in analysis.flows for module in flow.modules}
        types = analysis.types
        self._modules = modules | {key.module for key in (*types.records, *types.aliases)}
        self._judged = _digest(
            json.dumps([_FORMAT, _environment(), [str(root) for root in self._roots]]).encode(),
            *(text.encode() for item in sorted(staging.digests.items()) for text in item),
        )

    def is_known_clean(self) -> bool:
        try:
            known = json.loads(read_kept(self._root, _NAME))
            if known["judged"] != self._judged or not isinstance(known["files"], dict):
                return False
            return all(self._now(path) == digest for path, digest in known["files"].items())
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def remember_clean(self) -> None:
        """Failing to remember costs time only."""
        paths = sorted(os.path.relpath(path, self._root) for path in closure(self._modules, self._roots))
        files = {path: self._now(path) for path in paths}
        text = json.dumps({"judged": self._judged, "files": files}, indent=1)
        keep(self._root, _NAME, text.encode())

    def _now(self, path: str) -> str | None:
        try:
            return _digest((self._root / path).read_bytes())
        except OSError:
            return None


def _environment() -> list[str]:
    """Python, mypy, and when packages were last installed or removed."""
    try:
        mypy = version("mypy")
    except PackageNotFoundError:
        mypy = "?"
    return [
        sys.version,
        sys.executable,
        mypy,
        *_stamps([*site.getsitepackages(), site.getusersitepackages()]),
    ]


def _stamps(folders: Iterable[str]) -> list[str]:
    found: list[str] = []
    for folder in folders:
        try:
            found.append(f"{folder}:{Path(folder).stat().st_mtime_ns}")
        except OSError:
            continue
    return found


def _digest(*parts: bytes) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.hexdigest()
