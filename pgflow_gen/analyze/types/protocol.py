"""What the readers of single kinds of types ask of the one that knows them all.

A list holds types of any kind, a record's keys do, an alias stands for any: each reader comes back to where
annotations are read. It is handed in, so that no module needs another that needs it.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import libcst as cst

from pgflow_gen.analyze.types.expansive import Expansion
from pgflow_gen.analyze.types.faults import TypeFault
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.types import TypeExpr
from pgflow_gen.source.names.resolve import Resolver, Symbol

Role: TypeAlias = Literal["parameter", "return", "field", "input"]
"""What an annotation stands at."""


class ReadsTypes(Protocol):
    resolver: Resolver
    findings: Findings
    expansion: Expansion

    def symbol(self, node: cst.BaseExpression, scope: Scope) -> Symbol | None:
        """What a (dotted) name means, plain renamings followed to their end."""

    def read(self, node: cst.BaseExpression, scope: Scope, faults: list[TypeFault]) -> TypeExpr:
        """The type ``node`` spells; what is wrong with it is added to ``faults``."""
        ...

    def limit(self, found: TypeExpr, role: Role, faults: list[TypeFault]) -> TypeExpr:
        """Refuse what may stand at parameters only."""
        ...
