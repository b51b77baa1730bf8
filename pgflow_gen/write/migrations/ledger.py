"""Which migrations were written, in order, and what each of them made of its flow.

A flow's last migration is a draft, rendered anew by each build, until ``pgflow-gen release`` marks it
shipped; from then on it never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from pgflow_gen.ir.flow import Json
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.styles import NAMES, style_of
from pgflow_shared.styles.style import Purpose, Style

_NAME = re.compile(r"(\d{4,})_\w+\.(?:sql|py)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One migration. ``name`` is a file in the folder of migrations, ``flow`` a slug in the database.

    ``structure`` and ``settings`` are the flow's when the file was written; ``after`` is what it follows,
    in the words of its style, where the style chains.
    """

    name: str
    flow: str
    purpose: Purpose
    style: str
    digest: str
    shipped: bool
    structure: Mapping[str, Any]
    settings: Mapping[str, Json]
    after: str | None = None
    types: Mapping[str, Any] | None = None
    """Of a shipped one: schemas of what runs store, as they were at the last release (``changed_types``)."""

    def as_json(self) -> dict[str, Any]:
        types = {} if self.types is None else {"types": self.types}
        chained = {"after": self.after} if style_of(self.style).is_chained else {}
        return {
            "name": self.name,
            "flow": self.flow,
            "purpose": self.purpose,
            "style": self.style,
            **chained,
            "digest": self.digest,
            "shipped": self.shipped,
            "structure": self.structure,
            "settings": self.settings,
            **types,
        }

    @property
    def prefix(self) -> int:
        """The number or the time its name starts with."""
        return int(self.name.partition("_")[0])

    @property
    def order(self) -> tuple[int, str]:
        return (self.prefix, self.name)

    @property
    def link(self) -> str:
        return style_of(self.style).link(self.name)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The migrations in the order in which they are applied."""

    entries: tuple[Entry, ...] = ()
    _last: dict[tuple[str, bool], Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        last = {(entry.flow, entry.shipped): entry for entry in self.entries}
        object.__setattr__(self, "_last", last)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Ledger:
        return cls(tuple(sorted(entries, key=lambda entry: entry.order)))

    @classmethod
    def of_json(cls, data: Iterable[Mapping[str, Any]]) -> Ledger:
        """Of one that a merge left twice the shipped counts, else the last.

        Raises KeyError, TypeError or ValueError when ``data`` is no ledger.
        """
        read = [_entry(item) for item in data]
        latest = {entry.name: entry for entry in sorted(read, key=lambda entry: entry.shipped)}
        return cls.of(latest.values())

    @property
    def drafts(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if not entry.shipped)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(entry.name for entry in self.entries)

    def shipped(self, flow: str) -> Entry | None:
        """The last shipped migration of a flow: what databases out there have made of it."""
        return self._last.get((flow, True))

    def draft(self, flow: str) -> Entry | None:
        return self._last.get((flow, False))

    def released(self, types: Mapping[str, Mapping[str, Any]]) -> Ledger:
        """All drafts shipped; each flow's last migration gets its ``types``, by slugs in the database."""
        shipped = Ledger(tuple(replace(entry, shipped=True) for entry in self.entries))
        last = {entry.name for entry in map(shipped.shipped, types) if entry is not None}
        return Ledger(
            tuple(
                replace(entry, types=types[entry.flow] if entry.name in last else None)
                if entry.flow in types
                else entry
                for entry in shipped.entries
            )
        )


def join(ours: Ledger, theirs: Ledger) -> Ledger:
    """The migrations of two branches. Of one that both know, the shipped one counts, else ours."""
    entries = {entry.name: entry for entry in theirs.entries}
    for entry in ours.entries:
        if entry.shipped or entry.name not in entries or not entries[entry.name].shipped:
            entries[entry.name] = entry
    return Ledger.of(entries.values())


def _entry(item: Mapping[str, Any]) -> Entry:
    name, shipped, after = str(item["name"]), item["shipped"], item.get("after")
    purpose, style = item.get("purpose", "create"), _style(item)
    if not _NAME.fullmatch(name) or not isinstance(shipped, bool) or purpose not in ("create", "alter"):
        raise ValueError(f"{name!r} is no migration")
    return Entry(
        name=name,
        flow=str(item["flow"]),
        purpose=purpose,
        style=style.name,
        digest=str(item["digest"]),
        shipped=shipped,
        structure=dict(item.get("structure", {"steps": []})),
        settings=dict(item["settings"]),
        after=None if after is None else str(after),
        types=dict(item["types"]) if "types" in item else None,
    )


def _style(item: Mapping[str, Any]) -> Style:
    name = item.get("style", "plain")
    if name not in NAMES:
        raise ValueError(f"{name!r} is no style of migrations")
    return style_of(name)
