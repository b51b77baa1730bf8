"""The types of all groups as one table, made when somebody asks: most builds look at a few groups' own.

Aliases that lead into each other have no beginning of their own, so that two groups may understand one type
differently. In the table of all, the first group's understanding counts; each group's flows keep their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from pgflow_gen.incremental.lazy_flow import types_of
from pgflow_gen.incremental.results import Group
from pgflow_gen.ir.types import Alias, Record, TypeKey, TypeTable
from pgflow_gen.light_dataclass import dataclass

_T = TypeVar("_T")


class MergedTypes:
    def __init__(self, groups: Iterable[Group]) -> None:
        self._groups = tuple(groups)

    @cached_property
    def table(self) -> TypeTable:
        """In order of module and name."""
        tables = [types_of(group) for group in self._groups]
        return TypeTable(
            _merged(table.records for table in tables), _merged(table.aliases for table in tables)
        )


def _merged(parts: Iterable[Mapping[TypeKey, _T]]) -> dict[TypeKey, _T]:
    found: dict[TypeKey, _T] = {}
    for part in parts:
        for key, value in part.items():
            found.setdefault(key, value)
    return dict(sorted(found.items(), key=lambda item: (item[0].module, str(item[0]))))


@dataclass(frozen=True, slots=True, eq=False)
class MergedRecords(Mapping[TypeKey, Record]):
    merged: MergedTypes

    def __getitem__(self, key: TypeKey) -> Record:
        return self.merged.table.records[key]

    def __iter__(self) -> Iterator[TypeKey]:
        return iter(self.merged.table.records)

    def __len__(self) -> int:
        return len(self.merged.table.records)


@dataclass(frozen=True, slots=True, eq=False)
class MergedAliases(Mapping[TypeKey, Alias]):
    merged: MergedTypes

    def __getitem__(self, key: TypeKey) -> Alias:
        return self.merged.table.aliases[key]

    def __iter__(self) -> Iterator[TypeKey]:
        return iter(self.merged.table.aliases)

    def __len__(self) -> int:
        return len(self.merged.table.aliases)
