"""Behind a pooler a session's limits are not ours to set: a statement brings its own along."""

from __future__ import annotations

from functools import cache
from typing import LiteralString

from pgflow_runtime.database.kinds import LOCK_LIMIT

_LIMIT: LiteralString = (
    f"(select pg_catalog.set_config('lock_timeout', '{LOCK_LIMIT}', true) is not null as is_set) l"
)
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
