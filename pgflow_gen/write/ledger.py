"""Which migrations were written for which flow, in order, and what each of them says.

A flow's last migration is a draft: as long as it is not shipped, the build renders it anew. A shipped one is
never touched again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pgflow_gen.ir.flow import Analysis, FlowSpec, Json
from pgflow_gen.ir.shape import structure, structure_hash
from pgflow_gen.render.settings import settings
from pgflow_gen.render.sql import compile_sql
from pgflow_gen.write.digest import digest

_NUMBERED = re.compile(r"(\d{4,})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Entry:
    """One migration. ``name`` is a file in the folder of migrations, ``flow`` a slug in the database."""

    name: str
    flow: str
    digest: str
    shipped: bool
    structure_hash: str
    settings: Mapping[str, Json]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "flow": self.flow,
            "digest": self.digest,
            "shipped": self.shipped,
            "structure_hash": self.structure_hash,
            "settings": self.settings,
        }

    @property
    def number(self) -> int:
        match = _NUMBERED.fullmatch(self.name)
        return int(match[1]) if match else 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """The migrations in the order they were first written."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def of_json(cls, data: Iterable[Mapping[str, Any]]) -> Ledger:
        """Raises KeyError, TypeError or ValueError when ``data`` is no ledger."""
        return cls(tuple(_entry(item) for item in data))

    def last(self, flow: str) -> Entry | None:
        return next((entry for entry in reversed(self.entries) if entry.flow == flow), None)


def _entry(item: Mapping[str, Any]) -> Entry:
    name, shipped = str(item["name"]), item["shipped"]
    if not _NUMBERED.fullmatch(name) or not isinstance(shipped, bool):
        raise ValueError(f"{name!r} is no migration")
    return Entry(
        name,
        str(item["flow"]),
        str(item["digest"]),
        shipped,
        str(item["structure_hash"]),
        dict(item["settings"]),
    )


def advance(ledger: Ledger, analysis: Analysis, present: Iterable[str]) -> tuple[Ledger, dict[str, bytes]]:
    """The ledger after this build, and the text of every migration that is a draft, by file name.

    ``present`` are names of files in the folder of migrations: where the ledger was lost, a file keeps its
    number. Flows that are gone keep their entries; no migration ever takes anything back.
    """
    entries, texts = list(ledger.entries), dict[str, bytes]()
    orphans = _orphans(present, ledger)
    taken = [entry.number for entry in entries] + [number for number, _ in orphans.values()]
    following = max(taken, default=0) + 1
    for flow in analysis.flows:
        known = ledger.last(flow.db_slug)
        if known is not None and known.shipped:
            continue
        if known is not None:
            name = known.name
        elif flow.db_slug in orphans:
            name = orphans[flow.db_slug][1]
        else:
            name, following = f"{following:04d}_{flow.db_slug}.sql", following + 1
        entry, texts[name] = _draft(name, flow, analysis)
        if known is not None:
            entries[entries.index(known)] = entry
        else:
            entries.append(entry)
    return replace(ledger, entries=tuple(sorted(entries, key=lambda entry: entry.number))), texts


def contradictions(ledger: Ledger, analysis: Analysis) -> Iterator[tuple[str, str]]:
    """(what is wrong, way out) for each flow that is not what its shipped migration made of it any more."""
    for flow in analysis.flows:
        known = ledger.last(flow.db_slug)
        if known is None or not known.shipped:
            continue
        if structure_hash(structure(flow, analysis.types)) != known.structure_hash:
            yield (
                f"flow {flow.db_slug!r} has other steps or dependencies than the shipped {known.name}",
                f"give the changed flow its own version: Flow({flow.slug!r}, version={flow.version + 1})",
            )
        elif settings(flow) != known.settings:
            yield (
                f"flow {flow.db_slug!r} has other options than the shipped {known.name}",
                "take the change back, or give the changed flow a version of its own",
            )


def _draft(name: str, flow: FlowSpec, analysis: Analysis) -> tuple[Entry, bytes]:
    text = compile_sql(flow, analysis.types).encode()
    shape = structure_hash(structure(flow, analysis.types))
    return Entry(name, flow.db_slug, digest(text), False, shape, settings(flow)), text


def _orphans(present: Iterable[str], ledger: Ledger) -> dict[str, tuple[int, str]]:
    """Slug -> (number, name) of numbered migrations that no entry tells of; of several the last."""
    known = {entry.name for entry in ledger.entries}
    matches = (_NUMBERED.fullmatch(name) for name in sorted(present) if name not in known)
    return {match[2]: (int(match[1]), match[0]) for match in matches if match}
