"""Types that users take from the generated modules: what a build is about to write."""

from __future__ import annotations

from pgflow_gen.ir.types import TypeExpr, TypeTable
from pgflow_gen.render.python.records import reachable


def mentions_generated(types: TypeTable, *mentioned: TypeExpr | None) -> bool:
    """Whether a flow's output is among these types by the name under which it is generated.

    What mypy knows by that name is what the last build has left there, if it has: the compiler knows better.
    """
    return any(key.is_generated for key in reachable(filter(None, mentioned), types))
