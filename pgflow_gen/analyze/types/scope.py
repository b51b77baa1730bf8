"""Where a type expression is read: its module, and what its type variables stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

import libcst as cst

from pgflow_gen.ir.types import TypeExpr
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import ModuleIndex


@dataclass(frozen=True, slots=True)
class Variable:
    """A type variable: by its own name for ``class Box[T]``, by module and name for ``T = TypeVar("T")``."""

    name: str
    module: str | None = None
    default: cst.BaseExpression | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Scope:
    module: ModuleIndex
    variables: Mapping[Variable, TypeExpr] = field(default_factory=dict)
    owner: tuple[str, str] | None = None
    """The generic definition, by module and name, whose variables these are."""

    def local(self, name: str) -> TypeExpr | None:
        """The value of a type parameter written in brackets (PEP 695), which hides the module's names."""
        return self.variables.get(Variable(name))


def elements(node: cst.Subscript) -> list[cst.BaseExpression] | None:
    """What stands between the brackets; None for slices and stars, which no JSON type has.

    ``X[(a, b)]`` is the same as ``X[a, b]``.
    """
    found: list[cst.BaseExpression] = []
    for item in node.slice:
        if not isinstance(item.slice, cst.Index) or item.slice.star is not None:
            return None
        found.append(item.slice.value)
    if len(found) == 1 and isinstance(found[0], cst.Tuple):
        inner = found[0].elements
        if any(isinstance(element, cst.StarredElement) for element in inner):
            return None
        return [element.value for element in inner]
    return found
