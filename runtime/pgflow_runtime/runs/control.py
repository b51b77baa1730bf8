"""What can be done to runs: the core's calls, and its answers in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

from pgflow_runtime.database import queries


@dataclass(frozen=True, slots=True)
class ControlCall:
    """One thing that can be done to runs, as the core knows it: to ids, or to all that fit a filter."""

    name: str
    done: str
    """What the core says of a run it was done to."""
    by_id: LiteralString
    by_filter: LiteralString


CALLS: Final = {
    call.name: call
    for call in (
        ControlCall("retry", "retried", queries.RETRY_RUNS, queries.RETRY_WHERE),
        ControlCall("cancel", "cancelled", queries.CANCEL_RUNS, queries.CANCEL_WHERE),
        ControlCall("hold", "held", queries.HOLD_RUNS, queries.HOLD_WHERE),
        ControlCall("release", "released", queries.RELEASE_RUNS, queries.RELEASE_WHERE),
    )
}

UNCHANGED: Final = {
    "already_cancelled": "was cancelled before",
    "already_completed": "has completed",
    "already_failed": "has failed",
    "already_held": "is held already",
    "not_held": "is not held",
    "still_started": "has not ended",
    "not_awaited": "belongs to another run, which does not wait for it: retry that one",
    "companions_under_way": "is being undone, or what its end has started goes on",
    "was_undone": "was undone: retried all the same (--even-if-undone), it does not do again what was undone",
    "left_behind": "undoes an end of a run that has been retried since: the next undo of that run sees to it",
    "no_such_run": "is not in this database",
}
"""Why nothing was done to a run: by the core's word, what follows "the run"."""
