"""What earlier builds found, kept in a file below ``.pgflow/cache``; nothing ever depends on it.

A file that is damaged, edited by hand, or was written by another compiler, Python or configuration is not
looked at further. What it holds of a module counts only as long as all it depends on is as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path

import msgspec

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.incremental.fingerprint import FileStamp, FileStamps
from pgflow_gen.incremental.lazy_flow import LazyFlow, serialize
from pgflow_gen.incremental.results import CachedResults, Dependencies, Group, ModuleResult, Serialized
from pgflow_gen.kept import CACHE, keep, read_kept
from pgflow_gen.light_dataclass import dataclass

MODULES = CACHE / "modules"
_MAGIC = b"pgflow-gen modules 2\n"
_DIGEST = hashlib.sha256
_HEAD = len(_MAGIC) + _DIGEST().digest_size
_UNFIT = (ValueError, TypeError, OverflowError, LookupError, msgspec.MsgspecError)


class _Group(msgspec.Struct, array_like=True):
    members: tuple[str, ...]
    modules: dict[str, str]
    dependencies: Dependencies
    findings: tuple[Diagnostic, ...]
    serialized: Serialized
    extras: dict[str, bytes]


class _File(msgspec.Struct, array_like=True):
    key: str
    texts: dict[str, tuple[FileStamp, str]]
    outputs: dict[str, tuple[FileStamp, str]]
    extras: dict[str, bytes]
    modules: list[ModuleResult]
    groups: list[_Group]


@dataclass(slots=True)
class Cache:
    """``texts`` and ``outputs``: digests of sources and of generated files, with the file's stamp then."""

    results: CachedResults = field(default_factory=CachedResults)
    texts: Mapping[str, tuple[FileStamp, str]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[FileStamp, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path, key: str) -> Cache:
        """The cache of the project in ``root``; an empty one where there is none for ``key``."""
        try:
            return cls.decode(read_kept(root, MODULES.name), key)
        except OSError:
            return cls()

    @classmethod
    def decode(cls, content: bytes, key: str) -> Cache:
        """The cache in ``content``; an empty one where that is none."""
        payload = memoryview(content)[_HEAD:]
        if content[:_HEAD] != _MAGIC + _DIGEST(payload).digest():
            return cls()
        try:
            file = msgspec.msgpack.decode(payload, type=_File)
        except _UNFIT:
            return cls()
        if file.key != key:
            return cls()
        groups = {item.members: _group(item) for item in file.groups}
        results = CachedResults({item.file: item for item in file.modules}, groups, file.extras)
        return cls(results, file.texts, file.outputs)

    def encode(self, key: str) -> bytes:
        """What cannot be encoded (halves of surrogate pairs in a path, say) is left out."""
        modules = list(self.results.modules.values())
        if not _is_fit(modules):
            modules = list(filter(_is_fit, modules))
        groups = [found for item in self.results.groups.values() if (found := _storable(item))]
        payload = msgspec.msgpack.encode(
            [key, self.texts, self.outputs, self.results.extras, modules, groups]
        )
        return b"".join((_MAGIC, _DIGEST(payload).digest(), payload))

    def save(self, root: Path, key: str) -> None:
        """Failing to save costs time only."""
        with suppress(*_UNFIT):
            keep(root, MODULES.name, self.encode(key))

    def trusted(self, stamps: FileStamps | None) -> dict[str, str]:
        """Digests of the sources that carry the same stamp as then."""
        return _same(self.texts, stamps)

    def written(self, stamps: FileStamps | None) -> dict[str, str]:
        """Digests of the generated files that carry the same stamp as then."""
        return _same(self.outputs, stamps)


def stamped(digests: Mapping[str, str], stamps: FileStamps | None) -> dict[str, tuple[FileStamp, str]]:
    """The digests of files whose stamp is known."""
    if stamps is None:
        return {}
    return {path: (stamp, digest) for path, digest in digests.items() if (stamp := stamps.get(path))}


def text_digests(results: CachedResults) -> dict[str, str]:
    """The digests of all sources that ``results`` rests on."""
    found: dict[str, str] = {}
    parts: list[ModuleResult | Group] = [*results.modules.values(), *results.groups.values()]
    for part in parts:
        for kind, what, answer in part.dependencies:
            if kind == "text" and isinstance(answer, str):
                found[what] = answer
    return found


def _same(known: Mapping[str, tuple[FileStamp, str]], stamps: FileStamps | None) -> dict[str, str]:
    if stamps is None:
        return {}
    return {path: digest for path, (stamp, digest) in known.items() if stamps.get(path) == stamp}


def _group(item: _Group) -> Group:
    flows = tuple(map(LazyFlow, item.serialized.flows))
    return Group(
        item.members,
        flows,
        item.findings,
        item.modules,
        item.dependencies,
        serialized=item.serialized,
        extras=item.extras,
    )


def _storable(item: Group) -> _Group | None:
    is_new = item.serialized is None
    try:
        found = _Group(
            item.members, item.modules, item.dependencies, item.findings, serialize(item), item.extras
        )
    except _UNFIT:
        return None
    return None if is_new and not _is_fit(found) else found


def _is_fit(value: object) -> bool:
    try:
        msgspec.msgpack.encode(value)
    except _UNFIT:
        return False
    return True
