"""Generics whose uses of themselves grow without end, such as ``class Box[T]: inner: Box[list[T]]``.

The rule is that of the .NET specification (ECMA-335, partition II, 9.2): a parameter that stands in the
argument for another one is an edge between the two; where the argument is more than the parameter itself the
edge is expansive. The types that a definition reaches are endless in number when an expansive edge lies on a
circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from pgflow_gen.analyze.types.scope import Variable
from pgflow_gen.ir.types import AliasRef, ClassRef, RecordRef, TypeExpr, children
from pgflow_gen.light_dataclass import dataclass

_MODEST_DEPTH, _MODEST_NUMBER = 12, 50
"""Arguments in arguments, and different uses of one generic, below which nobody asks whether they grow."""

Parameter: TypeAlias = tuple[tuple[str, str], Variable]
"""A definition, by module and name, and one of its type parameters."""


@dataclass(slots=True)
class Expansion:
    """The uses of generics inside of generics, as seen so far."""

    _edges: dict[Parameter, set[Parameter]] = field(default_factory=dict)
    _expansive: set[tuple[Parameter, Parameter]] = field(default_factory=set)
    _uses: dict[tuple[str, str], set[tuple[TypeExpr, ...]]] = field(default_factory=dict)

    def record(self, source: Parameter, value: TypeExpr, target: Parameter, argument: TypeExpr) -> None:
        """``source``, which stands for ``value``, is part of the argument for ``target``."""
        self._edges.setdefault(source, set()).add(target)
        if argument != value and contains(argument, value):
            self._expansive.add((source, target))

    def is_endless(
        self, definition: tuple[str, str], arguments: Mapping[Variable, TypeExpr], depth: int
    ) -> bool:
        """Whether a circle that grows leads to this use of a generic, with arguments so deep."""
        uses = self._uses.setdefault(definition, set())
        uses.add(tuple(arguments.values()))
        if depth <= _MODEST_DEPTH and len(uses) <= _MODEST_NUMBER:
            return False
        wanted = {(definition, variable) for variable in arguments}
        return any(
            not wanted.isdisjoint(reached)
            for source, target in self._expansive
            if source in (reached := self._reached(target))
        )

    def _reached(self, start: Parameter) -> set[Parameter]:
        found, waiting = {start}, [start]
        while waiting:
            for item in self._edges.get(waiting.pop(), ()):
                if item not in found:
                    found.add(item)
                    waiting.append(item)
        return found


def contains(whole: TypeExpr, part: TypeExpr) -> bool:
    """Whether ``part`` is ``whole`` or stands somewhere in it, type arguments included."""
    waiting = [whole]
    while waiting:
        item = waiting.pop()
        if item == part:
            return True
        waiting.extend(children(item))
    return False


def nesting(found: TypeExpr) -> int:
    """How deep types stand inside ``found``, arguments of records included."""
    depth, level = 0, [found]
    while level:
        inner = [child for item in level for child in children(item)]
        if not inner:
            return depth + any(isinstance(item, RecordRef | ClassRef | AliasRef) for item in level)
        depth, level = depth + 1, inner
    return depth
