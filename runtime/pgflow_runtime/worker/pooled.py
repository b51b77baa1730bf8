"""Behind a pooler a session's limits are not ours to set: a statement brings its own along."""

from __future__ import annotations

from functools import cache
from typing import LiteralString

_LIMIT: LiteralString = "(select pg_catalog.set_config('lock_timeout', '2s', true) is not null as is_set) l"
"""As the engine's connections are opened with elsewhere."""
_FIRST = "%s::uuid[]"


@cache
def limited(statement: LiteralString) -> LiteralString:
    """A call of one of the core's functions that waits for a lock no longer than the engine's may.

    Its first argument depends on the limit, so that the limit is set before it is called.
    """
    head, call = statement.split("pgflow.", 1)
    call = call.replace(_FIRST, f"case when l.is_set then {_FIRST} end", 1)
    if head.endswith(" from "):
        return f"{head}{_LIMIT} cross join lateral pgflow.{call}"
    return f"{head}pgflow.{call} from {_LIMIT}"
